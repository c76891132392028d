/** Ports behind which databases, queues and their consoles listen, and what they are. */
const stores: Readonly<Record<number, string>> = {
  1433: 'SQL Server',
  1521: 'Oracle',
  2379: 'etcd',
  3306: 'MySQL',
  5432: 'PostgreSQL',
  5672: 'RabbitMQ',
  6379: 'Redis',
  9042: 'Cassandra',
  9200: 'Elasticsearch',
  11_211: 'memcached',
  15_672: 'the console of RabbitMQ',
  27_017: 'MongoDB',
}

const ofStores =
  /(?:^|\/)(postgres(?:ql)?|postgis|timescaledb|pgvector|mysql|mariadb|mongo(?:db)?|redis|valkey|keydb|memcached|rabbitmq|elasticsearch|opensearch|cassandra|clickhouse|couchdb)(?:-server|-alpine)?(?:[:@]|$)/

/** What listens on the port, where that is for no visitor. */
export function storeAt(port: number | undefined, image = ''): string | undefined {
  const named = ofStores.exec(image)?.[1]
  return (port === undefined ? undefined : stores[port]) ?? named
}

/** Where a secret is kept is none: `SECRET_KEY_FILE: /run/secrets/key`; nor is a switch, or a number of minutes. */
export function isPlace(name: string, value: string): boolean {
  return isOfOther(name) || value.startsWith('/') || /^(true|false|\d{1,6})$/i.test(value)
}

/** By its name it is beside a secret, and none: `SECRET_KEY_FILE`, `TOKEN_TTL`. */
export function isOfOther(name: string): boolean {
  // A fingerprint, for everybody.
  if (/^GPG_KEYS?$/i.test(name)) return true
  return /_(FILE|PATH|NAME|URL|HEADER|TTL|AGE|EXPIRY|EXPIRES?|LENGTH|ALGORITHM|TYPE)$/i.test(name)
}

/** A reference that names no version. */
export function isFloating(reference: string): boolean {
  if (reference.includes('@')) return false
  const [, tag] = /:([^/:]+)$/.exec(reference) ?? []
  return tag === undefined || tag === 'latest'
}

/** A login in a URL that is written there, and not a variable: `https://ada:hunter2@example.org`. */
export function loginIn(text: string): string | undefined {
  return /\b[a-z][a-z\d+.-]*:\/\/[^\s:/@$"']+:[^\s/@$"'{<]{4,}@([^\s/"'?]+)/i.exec(text)?.[1]
}

/** A text without logins in URLs, and without what follows words such as --password. */
export function withoutLogins(text: string): string {
  return text
    .replaceAll(/(:\/\/)[^\s/@]+@/g, '$1***@')
    .replaceAll(/(\S*(?:pass(?:word|wd)?|secret|token|api-?key)\S*?[= ]+)(?!-)[^\s;&|]+/gi, '$1***')
}
