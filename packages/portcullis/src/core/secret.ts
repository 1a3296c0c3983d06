import { inspect } from 'node:util'

/** A value that cannot be printed by accident: not by template strings, JSON, `console`, `util.inspect` or a logger. */
export class Secret<T = string> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The only way to the value. Call it where the value is used, never to pass it on. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [Symbol.toPrimitive](): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
