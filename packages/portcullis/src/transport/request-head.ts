/** Decides what the stages are told of the head of a request, whoever has read it. */
import type { IncomingMessage } from 'node:http'
import type { RequestHead } from '../core/exchange.ts'
import type { PlainRequest } from './plain-request.ts'

export function headOf(request: IncomingMessage): RequestHead {
  return {
    method: request.method ?? '',
    ...targetOf(request.url ?? ''),
    headers: request.headers,
    ...(hasRepeated(request) && { repeated: repeatedNames(request.rawHeaders) }),
  }
}

/** No name is in it twice. */
export function plainHead({ target, headers, kin }: PlainRequest): RequestHead {
  const { path, query } = targetOf(target)
  return kin === undefined ? { method: 'POST', path, query, headers } : { method: 'POST', path, query, headers, kin }
}

/** Splits a target at its first `?`; nothing is decoded. */
export function targetOf(url: string): Pick<RequestHead, 'path' | 'query'> {
  const mark = url.indexOf('?')
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) }
}

/** Two numbers tell, so that an ordinary head costs no set. */
const hasRepeated = ({ rawHeaders, headers }: IncomingMessage): boolean =>
  rawHeaders.length / 2 !== Object.keys(headers).length

function repeatedNames(rawHeaders: readonly string[]): readonly string[] {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  return [...new Set(names.filter((name, at) => names.indexOf(name) !== at))]
}
