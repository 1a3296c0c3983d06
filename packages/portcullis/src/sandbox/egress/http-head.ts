/** Decides which headers pass through the egress, and which it sets itself. */
import type { IncomingMessage } from 'node:http'
import type { InjectedHeader } from '../access.ts'
import { Refused } from './refused.ts'

/** Of one connection only (RFC 9110 §7.6.1), or for the proxy itself. Expect is answered by the egress. */
export const NOT_FORWARDED: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
])

/** Requests of these without a body have no length (RFC 9110 §8.6). */
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

/**
 * Name, value, name, value … of the request that leaves. Its framing is written anew, and of a header that is injected
 * only our own value goes, whatever the client sent.
 */
export function onwardHeaders(request: IncomingMessage, host: string, inject: InjectedHeader | undefined): string[] {
  const injected = inject?.name.toLowerCase()
  const dropped = new Set([...NOT_FORWARDED, ...namedByConnection(request), 'host', 'content-length'])
  const passed = pairs(request).filter(([name]) => {
    const lower = name.toLowerCase()
    return !dropped.has(lower) && lower !== injected
  })
  return [
    ...['Host', host],
    ...passed.flat(),
    ...framing(request),
    ...(inject === undefined ? [] : [inject.name, inject.value.reveal()]),
  ]
}

/** Headers of an answer that goes back to the client. */
export function backwardHeaders(answer: IncomingMessage): string[] {
  const dropped = new Set([...NOT_FORWARDED, ...namedByConnection(answer)])
  return pairs(answer)
    .filter(([name]) => !dropped.has(name.toLowerCase()))
    .flat()
}

/** Throws Refused `protocol` for a request of which two programs could find the end in two places (RFC 9112 §11.2). */
export function checkFraming(request: IncomingMessage): void {
  const lengths = valuesOf(request, 'content-length')
  const codings = valuesOf(request, 'transfer-encoding')
  if (lengths.length + codings.length > 1) throw new Refused('protocol')
  if (codings.some((coding) => coding.toLowerCase() !== 'chunked')) throw new Refused('protocol')
  if (lengths.some((length) => !/^\d{1,15}$/.test(length))) throw new Refused('protocol')
}

/** By these a server may take a request for one of another method, whatever its first line says. */
const METHOD_OVERRIDES = new Set(['x-http-method-override', 'x-http-method', 'x-method-override'])

/** The methods, in capitals, that headers put in the place of a request's own. */
export function overridingMethods(request: IncomingMessage): readonly string[] {
  const named = pairs(request).filter(([name]) => METHOD_OVERRIDES.has(name.toLowerCase().replaceAll('_', '-')))
  // A list could be read as any of its members.
  return named.flatMap(([, value]) => value.split(',').map((method) => method.trim().toUpperCase()))
}

function framing(request: IncomingMessage): readonly string[] {
  if (valuesOf(request, 'transfer-encoding').length > 0) return ['Transfer-Encoding', 'chunked']
  const [length] = valuesOf(request, 'content-length')
  if (length !== undefined) return ['Content-Length', length]
  return WITHOUT_BODY.has(request.method ?? '') ? [] : ['Content-Length', '0']
}

function namedByConnection(message: IncomingMessage): readonly string[] {
  // A client could otherwise make us drop what says where its request ends.
  const kept = new Set(['host', 'content-length', 'transfer-encoding'])
  const names = valuesOf(message, 'connection').flatMap((value) => value.toLowerCase().split(','))
  return names.map((name) => name.trim()).filter((name) => !kept.has(name))
}

function valuesOf(message: IncomingMessage, wanted: string): readonly string[] {
  return pairs(message).flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []))
}

function pairs({ rawHeaders }: IncomingMessage): readonly (readonly [name: string, value: string])[] {
  return Array.from({ length: rawHeaders.length / 2 }, (_, at) => [
    rawHeaders[2 * at] as string,
    rawHeaders[2 * at + 1] as string,
  ])
}
