/** Counts what one sandbox carries over its whole life, and says when it is enough. */
export class Meter {
  readonly #maxBytes: number
  #sentBytes = 0
  #receivedBytes = 0
  #spent = false

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get sentBytes(): number {
    return this.#sentBytes
  }

  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /** Nothing more passes. */
  get spent(): boolean {
    return this.#spent || this.#sentBytes + this.#receivedBytes >= this.#maxBytes
  }

  /** Whether so many more bytes may be sent; if so they are counted. */
  send(bytes: number): boolean {
    if (!this.#fits(bytes)) return false
    this.#sentBytes += bytes
    return true
  }

  /** Whether so many more bytes may be handed on; if so they are counted. */
  receive(bytes: number): boolean {
    if (!this.#fits(bytes)) return false
    this.#receivedBytes += bytes
    return true
  }

  /** The first piece that does not fit is the end, or smaller pieces would go on passing. */
  #fits(bytes: number): boolean {
    this.#spent ||= this.#sentBytes + this.#receivedBytes + bytes > this.#maxBytes
    return !this.#spent
  }
}
