/** What a container has of volumes and of folders of the host. */
export interface Mount {
  /** The name of a volume, or an absolute path on the host. */
  source: string
  /** In the container, without a slash at its end. */
  target: string
  readOnly: boolean
}

interface Mounting {
  volumes?: readonly string[] | undefined
  options?: readonly string[] | undefined
}

/** As `volumes` and `--mount` of `options` say it. What has no name is of one container, and not among them. */
export function mountsOf({ volumes = [], options = [] }: Mounting): Mount[] {
  return [...volumes.flatMap(ofVolume), ...options.flatMap((word, index) => ofOption(word, options[index - 1]))]
}

/** A volume that has a name, and no folder. */
export function isNamed({ source }: Pick<Mount, 'source'>): boolean {
  return !source.startsWith('/')
}

function ofVolume(volume: string): Mount[] {
  const [source = '', target, options = ''] = volume.split(':')
  return target === undefined ? [] : [mount(source, target, options.split(',').includes('ro'))]
}

function ofOption(word: string, before: string | undefined): Mount[] {
  const said = /^--mount=(.*)$/s.exec(word)?.[1] ?? (before === '--mount' ? word : undefined)
  if (said === undefined) return []
  const fields = said.split(',').map((field) => field.replaceAll(/^"|"$/g, ''))
  const value = (...keys: string[]): string | undefined =>
    fields.flatMap((field) => keys.flatMap((key) => (field.startsWith(`${key}=`) ? [field.slice(key.length + 1)] : [])))[0]
  const [source, target] = [value('source', 'src'), value('target', 'destination', 'dst')]
  if (source === undefined || source === '' || target === undefined) return []
  const readOnly = fields.some((field) => /^(readonly|ro)(=(true|1))?$/.test(field))
  return [mount(source, target, readOnly)]
}

function mount(source: string, target: string, readOnly: boolean): Mount {
  return { source, target: target.replace(/(.)\/+$/, '$1'), readOnly }
}
