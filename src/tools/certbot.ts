/** What certbot is asked for, and what is to be read of the certificates that it keeps. */

/**
 * Where certbot puts what a certificate authority then asks nginx for: one folder for the host, root's alone, whatever
 * the state folder of an application is. It stands in the renewal configuration of each certificate.
 */
export const challengeFolder = '/var/lib/letsencrypt/launchway'
export const challengePath = '/.well-known/acme-challenge/'

/** What certbot asks where no other is named. */
export const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory'

interface Request {
  /** By what certbot knows the certificate: /etc/letsencrypt/live/<name>/. */
  name: string
  names: readonly string[]
  email: string
  /** URL of the directory; without it Let's Encrypt's. */
  server?: string | undefined
  /** The certificate that is there came from another authority: it is replaced, however long it is good. */
  isAnew?: boolean
}

/**
 * The arguments of certbot that get a certificate for exactly these names. The agreement to the terms is the user's:
 * launchway.yml has it.
 */
export function certonly({ name, names, email, server, isAnew = false }: Request): string[] {
  return [
    'certonly',
    '--non-interactive',
    '--agree-tos',
    ...['--email', email],
    ...(server === undefined ? [] : ['--server', server]),
    ...['--webroot', '--webroot-path', challengeFolder],
    ...['--cert-name', name],
    // A run that broke off may have got it already; one with fewer names is replaced.
    isAnew ? '--force-renewal' : '--keep-until-expiring',
    '--renew-with-new-domains',
    ...names.flatMap((one) => ['--domain', one]),
  ]
}

/** For whom a certificate is, and until when. */
export interface CertificateText {
  names: string[]
  until: Date | undefined
}

/** @param text what `openssl x509 -noout -enddate -ext subjectAltName` prints */
export function parseCertificate(text: string): CertificateText {
  const [, end = ''] = /notAfter=(\w{3} +\d+ [\d:]+ \d{4} GMT)/.exec(text) ?? []
  const until = new Date(end)
  return {
    names: [...text.matchAll(/DNS:([^\s,]+)/g)].map(([, name = '']) => name.toLowerCase()),
    until: Number.isNaN(until.getTime()) ? undefined : until,
  }
}

/** A pattern stands for one label: `*.example.org` is www.example.org, and not example.org. */
export function covers(names: readonly string[], name: string): boolean {
  const wanted = name.toLowerCase()
  return names.includes(wanted) || names.includes(wanted.replace(/^[^.]+/, '*'))
}
