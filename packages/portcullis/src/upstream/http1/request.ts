/** Writes a request of HTTP/1.1. What goes into its head was written by others, so it is looked at here once more. */
export interface RequestParts {
  readonly method: string
  /** Name, value, name, value …, without those that frame the message. A list that comes again is not looked at again. */
  readonly headers: readonly string[]
  readonly body?: string
}

const SAFE = /^[\t\x20-\x7e]*$/

/** Writes the requests to one URL. */
export class RequestWriter {
  readonly #place: string
  /** By the very list that was given. */
  readonly #known = new WeakMap<readonly string[], string>()

  constructor(url: URL) {
    this.#place = ` ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`
  }

  /** Throws a TypeError for a header that would end its line or is not ASCII. */
  text({ method, headers, body }: RequestParts): string {
    const head = method + this.#place + this.#written(headers)
    return body === undefined ? `${head}\r\n` : `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  }

  #written(headers: readonly string[]): string {
    const known = this.#known.get(headers)
    if (known !== undefined) return known
    let text = ''
    for (let at = 0; at < headers.length; at += 2) {
      const value = headers[at + 1] as string
      if (!SAFE.test(value)) throw new TypeError('a header holds what HTTP cannot carry')
      text += `${headers[at] as string}: ${value}\r\n`
    }
    // A list that nobody can change is one that comes again.
    if (Object.isFrozen(headers)) this.#known.set(headers, text)
    return text
  }
}
