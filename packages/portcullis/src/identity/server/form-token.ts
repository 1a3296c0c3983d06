/** Decides that a form was sent from our own page, for this very purpose (against cross-site request forgery). */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Tokens that only we can make, bound to what the form is about. */
export class FormTokens {
  readonly #key: string

  /** @param key secret of this server */
  constructor(key: string) {
    this.#key = key
  }

  /** @param about the interaction and the step, so that a token of one form is none for another */
  issue(...about: readonly string[]): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify(['form', ...about]))
      .digest('base64url')
  }

  accepts(token: string | undefined, ...about: readonly string[]): boolean {
    const expected = Buffer.from(this.issue(...about))
    const actual = Buffer.from(token ?? '')
    return expected.length === actual.length && timingSafeEqual(expected, actual)
  }
}
