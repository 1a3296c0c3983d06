/** Where the credentials for AWS come from: the environment, a web identity (pods of EKS), the container, or the machine (IMDSv2). */
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import { type Ask, objectOf, type Question, refused, type Reply, textOf } from './ask.ts'

export interface AwsCredentials {
  readonly id: string
  readonly secret: Secret
  readonly session?: Secret
  /** Milliseconds since the epoch; absent: for ever. */
  readonly endsAt?: number
}

export type AwsCredentialKind = 'environment' | 'web-identity' | 'container' | 'instance'

export interface AwsCredentialParts {
  readonly kind: AwsCredentialKind
  readonly region: string
  /** Variables as the tools of AWS know them. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Text of a file that one of the variables names. */
  readonly readFile: (path: string) => string
  readonly ask: Ask
  readonly clock: Clock
}

const SERVICE = 'aws-kms'
/** Renewed so long before their end. */
const MARGIN_MS = 300_000
const METADATA = 'http://169.254.169.254'
const CONTAINER = 'http://169.254.170.2'
/** Plain http is for the machine itself, and for what the container service of AWS gives out. */
const PLAIN_HOSTS = new Set(['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]', '127.0.0.1', 'localhost', '[::1]'])

/** Under which the services of a region are, by the partition that it belongs to (AWS "partitions.json" of the SDKs; "Endpoints … in China"). */
const DOMAINS = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-iso-', 'c2s.ic.gov'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
] as const

export const awsDomain = (region: string): string =>
  DOMAINS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'amazonaws.com'

/** Rejects with KeyServiceError. Those with an end are kept until shortly before it. */
export function awsCredentials(parts: AwsCredentialParts): () => Promise<AwsCredentials> {
  const fetchers: Readonly<Record<AwsCredentialKind, (parts: AwsCredentialParts) => Promise<AwsCredentials>>> = {
    environment: async ({ environment }) => ofEnvironment(environment),
    'web-identity': ofWebIdentity,
    container: ofContainer,
    instance: ofInstance,
  }
  let known: AwsCredentials | undefined
  let asked: Promise<AwsCredentials> | undefined
  return async () => {
    if (known !== undefined && parts.clock.now() < (known.endsAt ?? Infinity) - MARGIN_MS) return known
    asked ??= fetchers[parts.kind](parts).finally(() => {
      asked = undefined
    })
    known = await asked
    return known
  }
}

function needed(environment: AwsCredentialParts['environment'], name: string): string {
  const value = environment[name]
  if (value === undefined || value === '') throw refused(SERVICE, `needs the environment variable ${name}`)
  return value
}

function ofEnvironment(environment: AwsCredentialParts['environment']): AwsCredentials {
  const session = environment['AWS_SESSION_TOKEN']
  return {
    id: needed(environment, 'AWS_ACCESS_KEY_ID'),
    secret: new Secret(needed(environment, 'AWS_SECRET_ACCESS_KEY')),
    ...(session !== undefined && session !== '' && { session: new Secret(session) }),
  }
}

/** AssumeRoleWithWebIdentity of STS; the answer is XML, of which four elements are read. */
async function ofWebIdentity({ region, environment, readFile, ask }: AwsCredentialParts): Promise<AwsCredentials> {
  const url = environment['AWS_ENDPOINT_URL_STS'] ?? `https://sts.${region}.${awsDomain(region)}`
  if (!url.startsWith('https://')) throw refused(SERVICE, 'needs an https address of STS (AWS_ENDPOINT_URL_STS)')
  const tokenFile = needed(environment, 'AWS_WEB_IDENTITY_TOKEN_FILE')
  const reply = await ask((): Question => {
    const form = new URLSearchParams({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: needed(environment, 'AWS_ROLE_ARN'),
      RoleSessionName: environment['AWS_ROLE_SESSION_NAME'] ?? 'portcullis',
      WebIdentityToken: readFile(tokenFile).trim(),
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return { url: `${url.replace(/\/$/, '')}/`, method: 'POST', headers, body: String(form) }
  })
  if (reply.status !== 200) throw refused(SERVICE, `gave no credentials for the web identity (${reply.status})`)
  const element = (name: string) => new RegExp(`<${name}>([^<]{1,4096})</${name}>`).exec(reply.text)?.[1]
  return credentialsOf({
    AccessKeyId: element('AccessKeyId'),
    SecretAccessKey: element('SecretAccessKey'),
    Token: element('SessionToken'),
    Expiration: element('Expiration'),
  })
}

async function ofContainer({ environment, readFile, ask }: AwsCredentialParts): Promise<AwsCredentials> {
  const relative = environment['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']
  const url = relative === undefined ? needed(environment, 'AWS_CONTAINER_CREDENTIALS_FULL_URI') : CONTAINER + relative
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' && !PLAIN_HOSTS.has(hostname))
    throw refused(SERVICE, 'gets no credentials from that address (AWS_CONTAINER_CREDENTIALS_FULL_URI)')
  const file = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']
  const token = file === undefined ? environment['AWS_CONTAINER_AUTHORIZATION_TOKEN'] : readFile(file).trim()
  const headers = token === undefined ? {} : { authorization: token }
  return fromJson(await ask(() => ({ url, method: 'GET', headers })))
}

/** Version 2 of the metadata service: a token first, so that no forged request of a program gets anything. */
async function ofInstance({ environment, ask }: AwsCredentialParts): Promise<AwsCredentials> {
  const base = (environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? METADATA).replace(/\/$/, '')
  const seconds = { 'x-aws-ec2-metadata-token-ttl-seconds': '300' }
  const token = await ask(() => ({ url: `${base}/latest/api/token`, method: 'PUT', headers: seconds }))
  if (token.status !== 200) throw refused(SERVICE, `got no token of the metadata service (${token.status})`)
  const headers = { 'x-aws-ec2-metadata-token': token.text }
  const list = `${base}/latest/meta-data/iam/security-credentials/`
  const role = await ask(() => ({ url: list, method: 'GET', headers }))
  const name = role.text.trim()
  if (role.status !== 200 || !/^[\w+=,.@-]{1,64}$/.test(name)) throw refused(SERVICE, 'found no role of this machine')
  return fromJson(await ask(() => ({ url: list + name, method: 'GET', headers })))
}

function fromJson(reply: Reply): AwsCredentials {
  if (reply.status !== 200) throw refused(SERVICE, `gave no credentials (${reply.status})`)
  return credentialsOf(objectOf(SERVICE, reply))
}

function credentialsOf(given: Readonly<Record<string, unknown>>): AwsCredentials {
  const endsAt = Date.parse(textOf(SERVICE, given['Expiration'], 'the end of the credentials'))
  if (Number.isNaN(endsAt)) throw refused(SERVICE, 'answered without the end of the credentials')
  return {
    id: textOf(SERVICE, given['AccessKeyId'], 'a key id'),
    secret: new Secret(textOf(SERVICE, given['SecretAccessKey'], 'a key')),
    session: new Secret(textOf(SERVICE, given['Token'], 'a session token')),
    endsAt,
  }
}
