/** The authorization server as the gateway sees it: paths that it answers, tokens that it knows, keys that change. */
import type { JWK } from 'jose'
import type { Provider } from 'oidc-provider'
import type { Answer, Exchange } from '../../core/exchange.ts'
import { FAULTS, toFault } from '../../core/fault.ts'
import type { Verified } from '../verified.ts'
import { kept, stillAdmits } from './came-by.ts'
import { FormTokens } from './form-token.ts'
import { AccountPages } from './account/account-pages.ts'
import { interact } from './interactions.ts'
import { welcome } from './welcome.ts'
import { messagePage } from './page.ts'
import { serveScript } from './passkeys/passkey-script.ts'
import { Journeys } from './providers/journeys.ts'
import { comeBack } from './providers/provider-callback.ts'
import { ownTokenVerifier } from './own-tokens.ts'
import { ProtocolDesk } from './protocol-desk.ts'
import { protocolEngine, type ProtocolEngine } from './provider.ts'
import { nodePair } from './node-bridge.ts'
import { mountedPath } from './mounted-path.ts'
import { MOUNT_PATH, type ServerKeys, type ServerSettings } from './settings.ts'
import { TokenHandles } from './token-handles.ts'

export interface AuthorizationServer {
  readonly issuer: string
  /** Whether this path is ours. */
  takes(path: string): boolean
  /** Rejects with a Fault. */
  serve(exchange: Exchange): Promise<Answer>
  /** For access tokens that name our issuer. Rejects with a Fault of the room `identity`. */
  readonly verify: (token: string) => Promise<Verified>
  /** Signs with other keys from now on. */
  renew(keys: ServerKeys): Promise<void>
}

/** Loads the protocol library; rejects when it cannot work with these settings. */
export async function createAuthorizationServer(settings: ServerSettings): Promise<AuthorizationServer> {
  const handles = new TokenHandles(settings.keys.cookies)
  const forms = new FormTokens(settings.keys.cookies)
  let current = settings
  let engine = await protocolEngine(settings, handles)
  let published = publicKeys(settings.keys)
  const { issuer, clock } = settings
  const verify = ownTokenVerifier({
    ...{ issuer, clock },
    keys: () => published,
    admits: (amr, idp) => stillAdmits(settings, kept({ amr, ...(idp !== undefined && { issuer: idp }) })),
  })
  const desk = new ProtocolDesk({ settings, handles, verify })
  const { grants } = settings
  const journeys = new Journeys({ key: settings.keys.cookies, grants, clock })
  const account = new AccountPages({ settings, forms, journeys })
  const desks = { forms, desk, journeys, account }
  return {
    issuer,
    takes: (path) => mountedPath(path) !== undefined,
    serve: (exchange) =>
      serve(exchange, current, engine, desks).catch((thrown: unknown) => refuse(thrown, exchange, current)),
    verify,
    async renew(keys) {
      const next = { ...current, keys }
      engine = await protocolEngine(next, handles)
      current = next
      published = publicKeys(keys)
    },
  }
}

interface Desks {
  readonly forms: FormTokens
  readonly desk: ProtocolDesk
  readonly journeys: Journeys
  readonly account: AccountPages
}

async function serve(
  exchange: Exchange,
  settings: ServerSettings,
  engine: ProtocolEngine,
  { forms, desk, journeys, account }: Desks,
): Promise<Answer> {
  const path = mountedPath(exchange.head.path)
  if (path === undefined) return notFound()
  const script = serveScript(path, exchange.head.method)
  if (script !== undefined) return script
  const ours =
    (await welcome({ ...settings, forms }, path, exchange)) ??
    (await comeBack({ ...settings, journeys }, path, exchange)) ??
    (await account.serve(path, exchange, engine.models))
  if (ours !== undefined) return ours
  const pair = pagePair(exchange, path, engine.provider)
  const asked = await interact({ settings, forms, journeys, provider: engine.provider }, path, exchange, pair)
  return asked ?? desk.serve(exchange, path, engine)
}

/** People get a page. What is our own mistake goes on to the place where all of those are told. */
async function refuse(thrown: unknown, exchange: Exchange, { witness }: ServerSettings): Promise<Answer> {
  const fault = toFault(thrown)
  if (fault.code === 'internal' || fault.code === 'audit.unavailable') throw fault
  const { status } = FAULTS[fault.code]
  await witness.refused(exchange, fault.code, status, fault.detail)
  return messagePage('This did not work', fault.says, status)
}

/** Pages look at cookies only. */
function pagePair(exchange: Exchange, path: string, provider: Provider) {
  const { method, headers } = exchange.head
  const { host, protocol } = new URL(provider.issuer)
  const known = { ...headers, host, 'x-forwarded-proto': protocol.slice(0, -1), 'x-forwarded-host': host }
  return nodePair({ method, url: path, originalUrl: MOUNT_PATH + path, headers: known, body: Buffer.alloc(0) })
}

const notFound = (): Answer => messagePage('There is nothing here', 'Go back to the application and start again.', 404)

/** Only what is public by name: a member that is added one day stays here. */
function publicKeys({ signing }: ServerKeys): readonly JWK[] {
  return signing.map(({ crv, x, y, kid }) => ({
    kty: 'EC',
    alg: 'ES256',
    use: 'sig',
    ...(crv !== undefined && { crv }),
    ...(x !== undefined && { x }),
    ...(y !== undefined && { y }),
    ...(kid !== undefined && { kid }),
  }))
}
