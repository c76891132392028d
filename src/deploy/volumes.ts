import { placeIn } from '../core/contents.ts'
import type { Accessory, Service } from '../core/deployment.ts'

/**
 * What `docker create --volume` is given for files and texts. Marked as shared, so that SELinux lets containers read them;
 * elsewhere that says nothing.
 * @param folder of the release or of the accessory
 */
export function volumesOf({ name, files = [], texts = [] }: Service | Accessory, folder: string | undefined): string[] {
  if (files.length + texts.length === 0) return []
  if (folder === undefined) throw new TypeError(`${name} mounts files, and nobody says of which release`)
  return [
    ...files.map(({ source, target, readOnly }) => `${folder}/files/${placeIn(source)}:${target}:${readOnly ? 'ro,z' : 'z'}`),
    ...texts.map(({ target }, index) => `${folder}/texts/${name}.${index}:${target}:ro,z`),
  ]
}
