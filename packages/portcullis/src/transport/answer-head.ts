/** What the head of an answer says: headers that were set before, and those that come with the status; and what they may hold. */
import type { OutgoingHttpHeader } from 'node:http'

/** By name. */
export type Headers = Readonly<Record<string, OutgoingHttpHeader>>

/** What a header may hold; a line break would begin another header (RFC 9110 §5.5). */
const UNSAFE = /[^\t\x20-\x7e\x80-\xff]/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const NONE: Headers = {}

export class AnswerHead {
  #set: Record<string, string | string[]> | undefined
  #status = 0
  #headers: Headers = NONE

  /** 0 until it is written. */
  get status(): number {
    return this.#status
  }

  get headers(): Headers {
    return this.#headers
  }

  set(name: string, value: string | string[]): void {
    this.#set ??= {}
    this.#set[name] = value
  }

  /** Throws a TypeError for a header that could end its line, be it behind a proxy; then nothing is written. */
  write(status: number, headers: Headers): void {
    const all = this.#set === undefined ? headers : { ...this.#set, ...headers }
    for (const name in all) checkHeader(name, all[name])
    this.#status = status
    this.#headers = all
  }

  /** What was sent need not be kept; the status stays. */
  forget(): void {
    this.#set = undefined
    this.#headers = NONE
  }
}

function checkHeader(name: string, value: OutgoingHttpHeader | undefined): void {
  if (!TOKEN.test(name)) throw new TypeError('not the name of a header')
  const values = Array.isArray(value) ? value : [String(value)]
  if (values.some((one) => UNSAFE.test(one))) throw new TypeError(`the header ${name} holds a control character`)
}
