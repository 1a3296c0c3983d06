import type { Answer, Ending, Exchange, Outgoing, Outlet } from './exchange.ts'

/**
 * Looks at an exchange and returns the facts it established, or throws a Fault.
 * A check never sees the answer, so it is a function that a test can simply call.
 */
export interface Check<Needs, Gives extends object | void = void> {
  readonly name: string
  check(exchange: Needs): Gives | Promise<Gives>
}

/** Surrounds every stage after it: audit, deadlines, slots. */
export interface Wrap<Needs> {
  readonly name: string
  wrap(exchange: Needs, next: () => Promise<Answer>): Promise<Answer>
}

/** Sees every message on the way back, streamed ones included, and returns what the client may see of it. */
export interface Filter<Needs> {
  readonly name: string
  /** False for an exchange of which no message would be changed or refused. Default: true. */
  concerns?(exchange: Needs): boolean
  filter(message: Outgoing, exchange: Needs): Outgoing | Promise<Outgoing>
}

const pass = (_exchange: unknown, next: () => Promise<Answer>): Promise<Answer> => next()

/** A wrap that the configuration leaves out: it has its place in the order and costs nothing. */
export const leftOut = (name: string): Wrap<unknown> => ({ name, wrap: pass })

export type Handler<Known> = (exchange: Known) => Promise<Answer>

// A stage is typed where it is added; inside, all of them handle the one growing exchange.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Run = (exchange: any, proceed: Proceed) => Promise<Answer>
// biome-ignore lint/suspicious/noExplicitAny: see above
type Proceed = (exchange: any) => Promise<Answer>
// biome-ignore lint/suspicious/noExplicitAny: see above
type AnyCheck = Check<any, object | void>
type Facts<Gives> = Gives extends object ? Gives : unknown

/** A check, or what surrounds all that follows. */
type Stage = { readonly name: string } & ({ readonly check: AnyCheck } | { readonly run: Run })

/**
 * An ordered list of stages. `Known` grows with every check, so a stage that needs a fact cannot be placed before the
 * stage that gives it: the compiler refuses the order.
 */
export class Pipeline<Start extends Exchange, Known extends Start = Start> {
  readonly #stages: readonly Stage[]

  private constructor(stages: readonly Stage[]) {
    this.#stages = stages
  }

  static from<Start extends Exchange>(): Pipeline<Start> {
    return new Pipeline<Start>([])
  }

  check<Gives extends object | void>(stage: Check<Known, Gives>): Pipeline<Start, Known & Facts<Gives>> {
    return this.#with<Known & Facts<Gives>>({ name: stage.name, check: stage })
  }

  wrap(stage: Wrap<Known>): Pipeline<Start, Known> {
    const { name } = stage
    if (stage.wrap === pass) return this.#with<Known>({ name, run: (exchange, proceed) => proceed(exchange) })
    return this.#with<Known>({
      name,
      run: (exchange, proceed) => stage.wrap(exchange, () => guarded(proceed, exchange)),
    })
  }

  filter(stage: Filter<Known>): Pipeline<Start, Known> {
    const run: Run = (exchange, proceed) => {
      if (stage.concerns?.(exchange) === false) return guarded(proceed, exchange)
      const filtered = new Filtered(exchange.outlet, stage, exchange)
      exchange.outlet = filtered
      return guarded(proceed, exchange).then((answer) => {
        if (answer.lasting === undefined) return filtered.answered(answer)
        answer.lasting.add(filtered)
        return answer
      })
    }
    return this.#with<Known>({ name: stage.name, run })
  }

  /** The stage names in the order in which they run: for documents, metrics and the order test. */
  get order(): readonly string[] {
    return this.#stages.map((stage) => stage.name)
  }

  to(handler: Handler<Known>): Handler<Start> {
    let run: Proceed = handler
    let checks: AnyCheck[] = []
    for (const stage of this.#stages.toReversed()) {
      if ('check' in stage) {
        checks.unshift(stage.check)
        continue
      }
      const proceed = allOf(checks, run)
      run = (exchange) => stage.run(exchange, proceed)
      checks = []
    }
    const first = allOf(checks, run)
    return (exchange) => guarded(first, exchange)
  }

  #with<Next extends Start>(stage: Stage): Pipeline<Start, Next> {
    return new Pipeline<Start, Next>([...this.#stages, stage])
  }
}

const passed = (answer: Answer, message: Outgoing): Answer =>
  message === answer.message ? answer : { ...answer, message }

/** Checks that follow each other are a loop, so that a long order is no deep stack. */
function allOf(checks: readonly AnyCheck[], proceed: Proceed): Proceed {
  if (checks.length === 0) return proceed
  const from = (exchange: object, start: number): Promise<Answer> => {
    for (let at = start; at < checks.length; at++) {
      const stage = checks[at] as AnyCheck
      const facts = stage.check(exchange)
      if (facts instanceof Promise) {
        return facts.then((settled) => {
          learn(exchange, settled, stage.name)
          return from(exchange, at + 1)
        })
      }
      learn(exchange, facts, stage.name)
    }
    return proceed(exchange)
  }
  return (exchange) => from(exchange, 0)
}

/**
 * Facts are written once: no later stage can replace the principal or the decision. A place that is there from the start
 * (`gateway/places.ts`) is empty until then.
 */
function learn(exchange: object, facts: object | void, stage: string): void {
  if (!facts) return
  const known = exchange as Record<string, unknown>
  for (const fact in facts) {
    if (known[fact] !== undefined) throw new TypeError(`stage "${stage}" rewrites the fact "${fact}"`)
    known[fact] = (facts as Record<string, unknown>)[fact]
  }
}

/** A synchronous check costs no promise, so what it throws has to be turned into a rejection in one place. */
function guarded(proceed: Proceed, exchange: object): Promise<Answer> {
  try {
    return proceed(exchange)
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

/** What one filter sees: messages that precede the answer, and the answer. */
class Filtered<Known> implements Outlet, Ending {
  readonly #outlet: Outlet
  readonly #stage: Filter<Known>
  readonly #exchange: Known

  constructor(outlet: Outlet, stage: Filter<Known>, exchange: Known) {
    this.#outlet = outlet
    this.#stage = stage
    this.#exchange = exchange
  }

  open(): void {
    this.#outlet.open()
  }

  send(message: Outgoing): Promise<void> | void {
    const clean = this.#stage.filter(message, this.#exchange)
    return clean instanceof Promise ? clean.then((settled) => this.#outlet.send(settled)) : this.#outlet.send(clean)
  }

  answered(answer: Answer): Answer | Promise<Answer> {
    if (answer.message === undefined) return answer
    const message = this.#stage.filter(answer.message, this.#exchange)
    return message instanceof Promise ? message.then((late) => passed(answer, late)) : passed(answer, message)
  }

  failed(thrown: unknown): never {
    throw thrown
  }
}
