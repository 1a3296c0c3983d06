/** The variables and files that tell programs inside how to reach the network, and whom to trust there. */
import { readFileSync } from 'node:fs'

/** Names that programs read a proxy from; each also in lower case. */
const PROXY_NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']
/** Loopback is inside: what a server opens for itself is not the gateway's business. */
const NOT_PROXIED = 'localhost,127.0.0.1,::1'

/** Where the authority of an opened network is found inside. */
const AUTHORITY_PATH = '/etc/egress-authority.pem'
const BUNDLE_PATH = '/etc/egress-bundle.pem'
/** Read by Node and Deno in addition to their own lists. */
const ADDING = ['NODE_EXTRA_CA_CERTS', 'DENO_CERT']
/** Each of these replaces the list of its programs: OpenSSL and Python, curl, requests and pip, git, cargo. */
const REPLACING = [
  'SSL_CERT_FILE',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'GIT_SSL_CAINFO',
  'CARGO_HTTP_CAINFO',
]
/** The list of the host: Debian and Alpine, Fedora, SUSE, another place of Alpine. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/**
 * Proxy variables for a proxy on loopback, but for what is in `listed`, in either case: half of a pair would leave the
 * choice to the program. ALL_PROXY speaks HTTP too: Python's httpx fails at a SOCKS address without a package of its own.
 */
export function proxyVariables(port: number, listed: readonly string[]): Readonly<Record<string, string>> {
  const address = `http://127.0.0.1:${port}`
  const pairs = [...PROXY_NAMES.map((name) => [name, address] as const), ['NO_PROXY', NOT_PROXIED] as const]
  return Object.fromEntries([
    ...pairs
      .filter(([name]) => !isListed(name, listed))
      .flatMap(([name, value]) => [
        [name, value],
        [name.toLowerCase(), value],
      ]),
    ...(listed.includes('NODE_USE_ENV_PROXY') ? [] : [['NODE_USE_ENV_PROXY', '1']]),
  ])
}

export interface Trust {
  readonly variables: Readonly<Record<string, string>>
  /** Path inside → content. */
  readonly files: Readonly<Record<string, string>>
}

/** Makes programs trust `authority` (PEM) beside the authorities of the host, but for variables in `listed`. */
export function trustIn(authority: string, listed: readonly string[], hostBundle: string = readHostBundle()): Trust {
  const variables = [
    ...ADDING.map((name) => [name, AUTHORITY_PATH] as const),
    ...REPLACING.map((name) => [name, BUNDLE_PATH] as const),
  ]
  return {
    variables: Object.fromEntries(variables.filter(([name]) => !listed.includes(name))),
    files: { [AUTHORITY_PATH]: authority, [BUNDLE_PATH]: `${hostBundle}\n${authority}` },
  }
}

/** The authorities that this host trusts, or nothing where it has no list in one file. */
function readHostBundle(): string {
  for (const path of BUNDLES) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      // The next one.
    }
  }
  return ''
}

function isListed(name: string, listed: readonly string[]): boolean {
  return listed.includes(name) || listed.includes(name.toLowerCase())
}
