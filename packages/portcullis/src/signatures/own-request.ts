/** Decides how requests of ours are signed for an upstream, and whether what comes back is its answer to exactly that request. */
import type { Clock } from '../core/clock.ts'
import { isSignatureOf, type NamedKey, signBytes } from './algorithms.ts'
import { OF_HEAD } from './answer-seal.ts'
import { component, type Component, identityOf } from './component.ts'
import { checkContentDigest, contentDigest } from './content-digest.ts'
import { checkParameters, checkTime, demandedOf, type SignatureRules } from './demands.ts'
import type { HttpView } from './http-view.ts'
import { SignatureProblem } from './problem.ts'
import { newInput, readSignatures, signatureBase, signatureFields } from './signature-input.ts'

export interface OwnRules extends SignatureRules {
  readonly key: NamedKey
  /** Of the upstream; absent where its answers need not be signed. */
  readonly expected?: NamedKey | undefined
  readonly clock: Clock
  readonly freshNonce: () => string
}

/** A request as it leaves. */
export interface SignedRequest {
  /** Name, value, name, value …: what is to be added to its headers. */
  readonly headers: readonly string[]
  readonly view: HttpView
  readonly signature: Buffer
}

const LABEL = 'mcp'
const ALWAYS = [component('@status'), component('content-digest'), component('signature', true, LABEL)]
const WANTED = [...ALWAYS, component('content-type')]

/** `headers` are name, value, name, value …; `body` is undefined for a request without one. */
export function signOwnRequest(
  target: Pick<HttpView, 'method' | 'scheme' | 'authority' | 'path' | 'query'>,
  headers: readonly string[],
  body: string | undefined,
  { key, tag, clock, freshNonce, expected }: OwnRules,
): SignedRequest {
  const added: Record<string, string> = body === undefined ? {} : { 'content-digest': contentDigest(body) }
  if (expected !== undefined) added['accept-signature'] = wanted(expected, tag)
  const all: Record<string, string> = {}
  for (let at = 0; at < headers.length; at += 2) all[(headers[at] as string).toLowerCase()] = headers[at + 1] as string
  Object.assign(all, added)
  const view: HttpView = { ...target, header: (name) => all[name] }
  const created = Math.floor(clock.now() / 1_000)
  const input = newInput(demandedOf(Object.keys(all), body !== undefined), {
    created,
    nonce: freshNonce(),
    keyid: key.id,
    alg: key.algorithm,
    tag,
  })
  const signature = signBytes(key, signatureBase(input, view))
  Object.assign(added, signatureFields(LABEL, input, signature))
  Object.assign(all, added)
  return { headers: Object.entries(added).flat(), view, signature }
}

const wanted = ({ id }: NamedKey, tag: string): string =>
  `${LABEL}=(${WANTED.map(({ text }) => text).join(' ')});created;keyid="${id}";tag="${tag}"`

/** Throws SignatureProblem unless the upstream's key has signed status and body as the answer to this request. */
export function checkAnswer(
  answer: { readonly status: number; readonly header: HttpView['header']; readonly body: Buffer },
  request: SignedRequest,
  expected: NamedKey,
  rules: OwnRules,
): void {
  const { status, header, body } = answer
  const ours = readSignatures(header('signature-input'), header('signature')).filter(
    ({ input }) => input.parameters.get('tag') === rules.tag,
  )
  const [only] = ours
  if (only === undefined || ours.length > 1) throw new SignatureProblem('no signature, or several')
  const { input, signature } = only
  checkParameters(input, expected, rules.tag)
  checkTime(input, rules.clock.now(), rules)
  const covered = new Set(input.components.map(identityOf))
  const needed = [...ALWAYS, ...OF_HEAD.filter((name) => header(name) !== undefined).map((name) => component(name))]
  const missing = needed.find((one: Component) => !covered.has(identityOf(one)))
  if (missing !== undefined) throw new SignatureProblem(`does not cover ${missing.text}`)
  const view: HttpView = { ...request.view, status, header, request: request.view }
  if (!isSignatureOf(expected, signatureBase(input, view), signature)) throw new SignatureProblem('wrong signature')
  checkContentDigest(header('content-digest') ?? '', body)
}
