/** Decides in which order masked messages leave: in that in which they came, and none waits for long. */
import type { Outgoing, Outlet } from '../../core/exchange.ts'
import { Fragments } from './fragments.ts'
import type { TextMasker } from './text-masker.ts'

/** How one message is masked. */
export interface Masking {
  readonly masker: TextMasker
  /** All of it, with regard to nothing else. */
  whole(message: Outgoing): Promise<Outgoing>
}

/** How long a message waits for the next one, in milliseconds. */
const WAIT_MS = 200

/** The way of messages that precede an answer. Without a masking they pass as they are, at once. */
export class MaskedStream implements Outlet {
  readonly #outlet: Outlet
  readonly #maskingOf: (message: Outgoing) => Masking | Promise<Masking> | undefined
  readonly #fragments = new Fragments()
  #tail: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(outlet: Outlet, maskingOf: (message: Outgoing) => Masking | Promise<Masking> | undefined) {
    this.#outlet = outlet
    this.#maskingOf = maskingOf
  }

  send(message: Outgoing): Promise<void> | void {
    clearTimeout(this.#timer)
    const masking = this.#maskingOf(message)
    if (masking === undefined && this.#tail === undefined && !this.#fragments.waits) return this.#outlet.send(message)
    return this.#inTurn(async () => this.#masked(message, await masking))
  }

  open(): void {
    this.#outlet.open()
  }

  /** Resolves when all has left; no promise when nothing was kept. */
  end(): Promise<void> | undefined {
    clearTimeout(this.#timer)
    if (this.#tail === undefined && !this.#fragments.waits) return undefined
    return this.#inTurn(async () => this.#fragments.end())
  }

  async #masked(message: Outgoing, masking: Masking | undefined): Promise<readonly Outgoing[]> {
    const part = masking && this.#fragments.take(message, masking.masker)
    if (part !== undefined) return part
    return [...this.#fragments.end(), masking === undefined ? message : await masking.whole(message)]
  }

  /** Nobody overtakes a message that is still looked at, and one that fails does not keep back those behind it. */
  #inTurn(work: () => Promise<readonly Outgoing[]>): Promise<void> {
    const running = (this.#tail ?? Promise.resolve()).then(async () => {
      for (const one of await work()) await this.#outlet.send(one)
      if (this.#fragments.waits) this.#timer = setTimeout(() => void this.end()?.catch(ignore), WAIT_MS).unref()
    })
    const done = running.catch(ignore)
    this.#tail = done
    void done.then(() => {
      if (this.#tail === done) this.#tail = undefined
    })
    return running
  }
}

const ignore = (): void => {}
