import { z } from 'zod'

const volumeName = '[a-zA-Z0-9][a-zA-Z0-9_.-]*'
const option = '(r[ow]|[zZ]|(volume-)?nocopy|r?(shared|slave|private)|consistent|cached|delegated)'
const pattern = new RegExp(`^(${volumeName}|/[^:]*):/[^:]*(:${option}(,${option})*)?$`)

/** A volume or a folder of the host, as `docker run --volume` takes it there: with no checkout, and no home of whoever wrote it. */
export const Volume = z.string().regex(pattern, { error: ({ input }) => whatIsWrong(String(input)) })

/** What is said of data in an environment, beside the volumes themselves. */
export const DataConfig = z.strictObject({
  'shared-volumes': z
    .array(z.string().regex(new RegExp(`^${volumeName}$`), 'must be the name of a volume'))
    .min(1)
    .optional()
    .describe(
      'Volumes, by their names on the hosts, that containers of other environments or applications may write to as well. Default: none: a volume that somebody else writes to is refused',
    ),
  'leave-behind': z
    .array(z.string().regex(new RegExp(`^(${volumeName}|/[^:]*)$`), 'must be the name of a volume, or an absolute path'))
    .min(1)
    .optional()
    .describe(
      'Volumes, by their names on the hosts, and folders of the hosts that the services may do without from now on, with what is in them; of a volume without a name (VOLUME of an image), its path in the container. Default: none: a release that would no longer find what the one before it has written is refused',
    ),
})

function whatIsWrong(volume: string): string {
  const [source = '', target, ...options] = volume.split(':')
  if (/^\.{1,2}(\/|$)/.test(source) || (source.includes('/') && !/^[/~$]/.test(source))) {
    return `"${volume}" is of the repository, which no host has: copy it into the image, or write the service in a compose file (compose: of the environment), whose files travel with each release`
  }
  if (source.startsWith('~'))
    return `"${volume}": nobody knows whose home that is on the host: write the whole path, such as /home/deploy/data:/data`
  if (/^[/A-Za-z0-9]/.test(source) && target?.startsWith('/') === true && options.length > 0)
    return `"${volume}": what comes after the second colon must be options of docker run --volume, such as ro`
  return `"${volume}" must be name:/path or /folder:/path, with :ro where it is only read`
}
