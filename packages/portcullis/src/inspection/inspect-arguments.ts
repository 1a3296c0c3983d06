/** Decides what follows from what the arguments of a message hold: on its way as it is, without a part, or not at all. */
import { ownTurn } from '../core/turns.ts'
import { isBulky } from '../core/bulk.ts'
import type { Cancellation } from '../core/cancellation.ts'
import type { Exchange } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Call, Parsed } from '../mcp/call.ts'
import type { Resolved } from '../mcp/definition.ts'
import { isRecord, type Params } from '../mcp/message.ts'
import type { ArgumentPlan, ArgumentPlans } from './argument-plan.ts'
import { quoted } from './argument-sentence.ts'
import { ArgumentWalk, type Judged, keysTo, type Leaf, pointerTo } from './argument-walk.ts'
import { besideArguments } from './beside-arguments.ts'
import type { Family } from './finding.ts'
import { maskText } from './mask-text.ts'
import { type Found, recorded, type RecordedFinding, worst } from './recorded-finding.ts'

/** Fact of `inspection.inspect-arguments`: everything that the caller sent has been looked at. */
export interface Inspected {
  readonly inspected: Inspection
  /** The question by which a person approved the call, when it was asked. */
  readonly approved?: string
  /** What goes on instead of the arguments that were sent. */
  readonly maskedArguments?: Params
}

/** What was found in one exchange, for its records. */
export interface Inspection {
  readonly findings: readonly RecordedFinding[]
  /** Of results, streamed ones included, by `inspection.inspect-results`. */
  resultFindings?: readonly RecordedFinding[]
}

export interface InspectArgumentsParts<Needs> {
  readonly plans: ArgumentPlans
  /** Checks the message again as if it had come with these arguments; throws as those checks do. */
  readonly recheck: (exchange: Needs, args: Params) => Promise<void>
  /** Resolves when a person has approved; throws the refusal, or the question, otherwise. */
  readonly ask: (exchange: Needs, question: string) => Promise<{ readonly approved?: string }>
}

type Least = Exchange & Parsed & Resolved & { readonly cancellation?: Cancellation }

/**
 * Check `inspection.inspect-arguments`, after the decision of the policy. Small calls cost no promise; large ones are read
 * in slices, and nothing of them goes on before the last one was read. Throws `inspection.refused`, and
 * `arguments.unavailable` for a tool of which the configuration names arguments that are not there.
 */
export function inspectArguments<Needs extends Least>(parts: InspectArgumentsParts<Needs>): Check<Needs, Inspected> {
  return {
    name: 'inspection.inspect-arguments',
    check(exchange) {
      const args = argumentsOf(exchange.call)
      const beside = besideArguments(exchange)
      if (args === undefined && beside === undefined) return { inspected: { findings: NONE } }
      const plan = planOf(parts.plans, exchange)
      const sent = { args: args ?? NO_ARGUMENTS, beside }
      return plan instanceof Promise
        ? plan.then((made) => look(parts, exchange, made, sent))
        : look(parts, exchange, plan, sent)
    },
  }
}

const NONE: readonly RecordedFinding[] = []
const NO_ARGUMENTS = {}

function planOf(plans: ArgumentPlans, { tool, upstream = '', item }: Least): ArgumentPlan | Promise<ArgumentPlan> {
  if (tool !== undefined) return plans.of(tool)
  return plans.plain(upstream, item.kind === 'resource' ? 'resource' : 'other')
}

interface Sent {
  readonly args: object
  readonly beside: Params | undefined
}

/**
 * What the caller chose freely: arguments of tools and prompts, the URI of a resource, and what is to be completed. Throws
 * `message.invalid_params` for arguments that are no object, which no schema of MCP may ask for.
 */
function argumentsOf({ method, params }: Call): object | undefined {
  switch (method) {
    case 'tools/call':
    case 'prompts/get':
      return objectOf(params['arguments'])
    case 'completion/complete':
      return { ref: params['ref'], argument: params['argument'], context: params['context'] }
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return { uri: params['uri'] }
    default:
      return undefined
  }
}

function objectOf(args: unknown): object | undefined {
  if (args === undefined || args === null) return undefined
  if (!isRecord(args)) throw new Fault('message.invalid_params', {}, { says: 'params.arguments must be an object.' })
  return args
}

/** Elsewhere the value says where something is, and another value would be somewhere else. */
const MASKABLE: ReadonlySet<string> = new Set(['tools/call', 'prompts/get'])

/** One message under inspection. */
interface Case<Needs> {
  readonly parts: InspectArgumentsParts<Needs>
  readonly exchange: Needs
  readonly plan: Extract<ArgumentPlan, { usable: true }>
  readonly args: object
}

function look<Needs extends Least>(
  parts: InspectArgumentsParts<Needs>,
  exchange: Needs,
  plan: ArgumentPlan,
  { args, beside: others }: Sent,
): Inspected | Promise<Inspected> {
  if (!plan.usable) throw new Fault('arguments.unavailable', { tool: exchange.tool?.name, reason: plan.reason })
  const one = { parts, exchange, plan, args }
  const walk = new ArgumentWalk(plan, args)
  const beside = others && new ArgumentWalk(plan, others, plan.beside)
  if (!walk.isUnread && beside?.isUnread !== true) return conclude(one, walk, beside)
  const pause = pauseOf(exchange)
  return walk
    .finish(pause)
    .then(() => beside?.finish(pause))
    .then(() => conclude(one, walk, beside))
}

/** Between two slices everybody else has a turn, and a call that has ended meanwhile is not read on. */
const pauseOf =
  ({ cancellation }: Least) =>
  async (): Promise<void> => {
    await ownTurn()
    if (cancellation?.cancelled === true) throw new Fault('limits.deadline', { while: 'inspection' })
  }

function conclude<Needs extends Least>(
  one: Case<Needs>,
  walk: ArgumentWalk,
  beside?: ArgumentWalk,
): Inspected | Promise<Inspected> {
  const judged = beside === undefined ? walk.judged : [...beside.judged.map(unmended), ...walk.judged]
  if (judged.length === 0) return { inspected: { findings: NONE } }
  const { shadow } = one.plan
  const findings = recorded(judged.map(foundOf), shadow)
  if (shadow) return { inspected: { findings } }
  const verdict = walk.isTooMuch || beside?.isTooMuch === true ? 'refuse' : worst(judged)
  if (verdict === 'refuse') throw refusal(judged, findings)
  return verdict === 'ask' || verdict === 'mask' ? mend(one, walk.judged, findings) : { inspected: { findings } }
}

/** A person is shown the arguments, and only they are masked: what stands beside them passes as it is or not at all. */
const unmended = (judged: Judged): Judged =>
  judged.verdict === 'ask' || judged.verdict === 'mask' ? { ...judged, verdict: 'refuse' } : judged

/** A person is asked about what was sent; only then it is masked, so that nobody approves something else. */
async function mend<Needs extends Least>(
  one: Case<Needs>,
  judged: readonly Judged[],
  findings: readonly RecordedFinding[],
): Promise<Inspected> {
  const asked = judged.find(({ verdict }) => verdict === 'ask')
  const approval = asked && (await askWith(one, asked, findings))
  const maskedArguments = judged.some(({ verdict }) => verdict === 'mask') && {
    maskedArguments: await mask(one, judged, findings),
  }
  return { inspected: { findings }, ...approval, ...maskedArguments }
}

/** Whatever comes of a question, the record says why it was asked. */
async function askWith<Needs extends Least>(
  { parts, exchange }: Case<Needs>,
  asked: Judged,
  findings: readonly RecordedFinding[],
): Promise<{ readonly approved?: string }> {
  try {
    return await parts.ask(exchange, sentence(asked, 'looks like an injection'))
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    throw new Fault(thrown.code, { ...thrown.detail, findings }, thrown.options)
  }
}

/**
 * A copy of the arguments with the masks in it. It has to pass once more whatever the arguments had passed: `/etc/shad`,
 * something unseen and `ow` is not what a policy forbids, until it is masked.
 */
async function mask<Needs extends Least>(
  { parts, exchange, plan, args }: Case<Needs>,
  judged: readonly Judged[],
  findings: readonly RecordedFinding[],
): Promise<Params> {
  const masked = judged.filter(({ verdict }) => verdict === 'mask')
  // What is so large that it is read in turns is not copied in one.
  if (!MASKABLE.has(exchange.call.method) || isBulky(args)) throw refusal(masked, findings)
  const copy = structuredClone(args) as Params
  for (const [leaf, families] of byLeaf(masked)) {
    // The name of a member cannot be replaced: another member may have the new one.
    if (leaf.isName) throw refusal(masked, findings)
    put(copy, keysTo(leaf), maskText(leaf.text, families))
  }
  const again = new ArgumentWalk(plan, copy)
  await again.finish(pauseOf(exchange))
  // A person has approved what was shown; what came into being by the mask was shown to nobody.
  const shown = new Set(judged.filter(({ verdict }) => verdict === 'ask').map(({ leaf }) => pointerTo(leaf)))
  const isSettled = ({ leaf, verdict }: Judged) =>
    verdict === 'annotate' || (verdict === 'ask' && shown.has(pointerTo(leaf)))
  const left = again.judged.filter((one) => !isSettled(one))
  if (left.length > 0 || again.isTooMuch) throw refusal(left, findings)
  await parts.recheck(exchange, copy)
  return copy
}

function put(root: object, keys: readonly (string | number)[], text: string): void {
  let holder = root as Record<string | number, unknown>
  for (const key of keys.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>
  holder[keys.at(-1) as string | number] = text
}

function byLeaf(masked: readonly Judged[]): ReadonlyMap<Leaf, ReadonlySet<Family>> {
  const leaves = new Map<Leaf, Set<Family>>()
  for (const { leaf, sighting } of masked) {
    const families = leaves.get(leaf) ?? new Set()
    leaves.set(leaf, families.add(sighting.family))
  }
  return leaves
}

const foundOf = ({ leaf, sighting, verdict }: Judged): Found => ({
  at: pointerTo(leaf),
  place: leaf.station.role,
  sighting,
  verdict,
})

/** The caller learns which argument, and of a rule what it demands; never what was seen in the value. */
function refusal(judged: readonly Judged[], findings: readonly RecordedFinding[]): Fault {
  const refused = judged.filter(({ verdict }) => verdict === 'refuse')
  const first = refused.find(({ sighting }) => sighting.weight === 'breach') ?? refused[0] ?? judged[0]
  const says = first === undefined ? undefined : sentence(first, 'looks like an injection and was refused')
  return new Fault('inspection.refused', { findings }, says === undefined ? {} : { says })
}

function sentence({ leaf, sighting }: Judged, otherwise: string): string {
  return `The argument ${quoted(pointerTo(leaf))} ${sighting.says ?? otherwise}.`
}
