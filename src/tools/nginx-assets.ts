import { block } from './nginx-text.ts'

/**
 * The files of both slots, for pages of the version that does not serve any more. The application has the first word: a
 * file is given where it answers 404, or where nobody answers. Who asks for what no slot has a file of takes the way of
 * all other requests, with whatever the application answers.
 */

/** By which prefix of variables and locations a service is known, and where the files of its slots are on the host. */
export interface Assets {
  id: string
  /** Below it `a/files` and `b/files` have the paths that visitors ask for. */
  folder: string
}

const askedAt = (id: string): string => `/.launchway/${id}/asset`

/** Within the location of a service, once maintenance has been looked at: who asks for a file leaves it. A deploy asks the application alone. */
export function toAssets({ id, folder }: Assets): string[] {
  return [
    `set $${id}_asset "";`,
    ...['a', 'b'].map((slot) => `if (-f ${folder}/${slot}/files$uri) { set $${id}_asset $uri; }`),
    `if ($request_method !~ "^(GET|HEAD)$") { set $${id}_asset ""; }`,
    `if ($${id}_deploy) { set $${id}_asset ""; }`,
    `if ($${id}_asset) { rewrite ^ ${askedAt(id)} last; }`,
  ]
}

/**
 * @param own the headers of every answer
 * @param passed what hands the request to the application, with the path as the visitor spelled it
 */
export function assetLocations({ id, folder }: Assets, own: readonly string[], passed: readonly string[]): string[] {
  return [
    ...block(`location = ${askedAt(id)}`, [
      'internal;',
      // For whoever reads $uri: a log, a map.
      `rewrite ^ $${id}_asset break;`,
      ...own,
      ...passed,
      'proxy_intercept_errors on;',
      `error_page 404 502 504 = @${id}_asset;`,
    ]),
    ...block(`location @${id}_asset`, [
      `root ${folder};`,
      // The copy on the host has no links: this is for those that somebody puts there.
      `disable_symlinks on from=${folder};`,
      'open_file_cache off;',
      ...own,
      // Its own first: without a hash in its name a file is in both slots.
      `try_files /$${id}_slot/files$uri /a/files$uri /b/files$uri =404;`,
    ]),
  ]
}
