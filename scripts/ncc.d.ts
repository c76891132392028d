/** What scripts/bundle.ts uses of ncc, which brings no types. @see https://github.com/vercel/ncc#programmatically-from-nodejs */
declare module '@vercel/ncc' {
  interface Options {
    cache?: false
    quiet?: boolean
    externals?: Record<string, string>
    license?: string
  }
  export default function ncc(
    entry: string,
    options: Options,
  ): Promise<{ code: string; assets: Record<string, { source: string | Buffer }> }>
}
