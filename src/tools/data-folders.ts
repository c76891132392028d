/** Where images of databases keep what somebody wants back; what holds a cache or a queue may be without. */
const dataFolders: Readonly<Record<string, string>> = {
  postgres: '/var/lib/postgresql/data',
  postgis: '/var/lib/postgresql/data',
  mysql: '/var/lib/mysql',
  mariadb: '/var/lib/mysql',
  mongo: '/data/db',
  elasticsearch: '/usr/share/elasticsearch/data',
  cassandra: '/var/lib/cassandra',
}

/** The folder in which the image of a database keeps its data, as it comes; undefined of any other image. */
export function dataFolderOf(image: string): string | undefined {
  const [, name = '', tag = 'latest'] = /(?:^|\/)([a-z]+)(?::([\w.-]+))?(?:@.*)?$/.exec(image) ?? []
  // Since 18 each version has a folder of its own below it.
  if (/^post(gres|gis)$/.test(name) && (tag === 'latest' || Number.parseInt(tag, 10) >= 18)) return '/var/lib/postgresql'
  return Object.hasOwn(dataFolders, name) ? dataFolders[name] : undefined
}

/** Whether what is mounted there keeps the data: the folder itself, one around it, or one in it. */
export function isKeptIn(folder: string, target: string): boolean {
  return isWithin(target, folder) || isWithin(folder, target)
}

function isWithin(path: string, folder: string): boolean {
  return `${path}/`.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
