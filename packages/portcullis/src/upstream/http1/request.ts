/** Writes a request of HTTP/1.1. What goes into its head was written by others, so it is looked at here once more. */
export interface RequestParts {
  readonly method: string
  /** Name, value, name, value …, without those that frame the message. */
  readonly headers: readonly string[]
  readonly body?: string
}

const SAFE = /^[\t\x20-\x7e]*$/

/** Throws a TypeError for a header that would end its line or is not ASCII. */
export function requestText(url: URL, { method, headers, body }: RequestParts): string {
  let text = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nhost: ${url.host}\r\n`
  for (let at = 0; at < headers.length; at += 2) {
    const value = headers[at + 1] as string
    if (!SAFE.test(value)) throw new TypeError('a header holds what HTTP cannot carry')
    text += `${headers[at] as string}: ${value}\r\n`
  }
  if (body !== undefined) text += `content-length: ${Buffer.byteLength(body)}\r\n`
  return `${text}\r\n${body ?? ''}`
}
