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

/** Says how a message is masked; undefined when it stays as it is. */
export interface MaskSource {
  maskingOf(message: Outgoing): Masking | Promise<Masking> | undefined
}

/** How long a message waits for the next one, in milliseconds. */
const WAIT_MS = 200

/** The way of messages that precede an answer. Without a masking they pass as they are, at once. */
export class MaskedStream implements Outlet {
  readonly #outlet: Outlet
  readonly #source: MaskSource
  /** Absent until something has to be masked. */
  #fragments: Fragments | undefined
  #tail: Promise<unknown> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(outlet: Outlet, source: MaskSource) {
    this.#outlet = outlet
    this.#source = source
  }

  send(message: Outgoing): Promise<void> | void {
    clearTimeout(this.#timer)
    const masking = this.#source.maskingOf(message)
    if (masking === undefined && this.#tail === undefined && !this.#waits) return this.#outlet.send(message)
    return this.#inTurn(async () => this.#masked(message, await masking))
  }

  open(): void {
    this.#outlet.open()
  }

  /** Resolves when all has left; no promise when nothing was kept. */
  end(): Promise<void> | undefined {
    clearTimeout(this.#timer)
    if (this.#tail === undefined && !this.#waits) return undefined
    return this.#inTurn(async () => this.#rest())
  }

  async #masked(message: Outgoing, masking: Masking | undefined): Promise<readonly Outgoing[]> {
    const part = masking && (this.#fragments ??= new Fragments()).take(message, masking.masker)
    if (part !== undefined) return part
    return [...this.#rest(), masking === undefined ? message : await masking.whole(message)]
  }

  get #waits(): boolean {
    return this.#fragments?.waits === true
  }

  #rest(): readonly Outgoing[] {
    return this.#fragments?.end() ?? []
  }

  /** Nobody overtakes a message that is still looked at, and one that fails does not keep back those behind it. */
  #inTurn(work: () => Promise<readonly Outgoing[]>): Promise<void> {
    const running = (this.#tail ?? Promise.resolve()).then(async () => {
      for (const one of await work()) await this.#outlet.send(one)
      if (this.#waits) this.#timer = setTimeout(() => void this.end()?.catch(ignore), WAIT_MS).unref()
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
