/** What a span is here, and how it is told in the JSON of OTLP 1.x: names in camel case, numbers of 64 bits as strings. */
import { type AttributeValues, otlpAttributes } from './otlp-value.ts'
import type { TraceContext } from './trace-context.ts'

/** `SpanKind` of OTLP. */
export const SPAN_KIND = { internal: 1, server: 2, client: 3 } as const

export interface Span {
  readonly traceId: string
  readonly spanId: string
  /** Empty where the trace begins here. */
  readonly parentId: string
  /** `tracestate` of the caller; empty where there is none. */
  readonly state: string
  readonly name: string
  readonly kind: (typeof SPAN_KIND)[keyof typeof SPAN_KIND]
  /** Milliseconds of `performance.now()`. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: AttributeValues
  /** Whether it ended as it should not. Why is in `error.type`. */
  readonly failed: boolean
  /** Somebody else's span that has to do with this one and is not its parent. */
  readonly link?: TraceContext | undefined
}

const STATUS_ERROR = 2
/** `SpanFlags`: sampled, and whether it is known that a context came from elsewhere, and that it did. */
const FLAG_SAMPLED = 0x01
const FLAG_PLACE_KNOWN = 0x100
const FLAG_FROM_ELSEWHERE = 0x200
const MAX_NAME_LENGTH = 160

/** `originMs` is the moment at which `performance.now()` was zero, in milliseconds since the Unix epoch. */
export function spanJson(span: Span, originMs: number): string {
  const { traceId, spanId, parentId, state, name, kind, startMs, endMs, attributes, failed, link } = span
  return JSON.stringify({
    traceId,
    spanId,
    ...(parentId !== '' && { parentSpanId: parentId }),
    ...(state !== '' && { traceState: state }),
    name: name.slice(0, MAX_NAME_LENGTH),
    kind,
    startTimeUnixNano: nanos(originMs + startMs),
    endTimeUnixNano: nanos(originMs + Math.max(startMs, endMs)),
    attributes: otlpAttributes(attributes),
    ...(link && { links: [{ traceId: link.traceId, spanId: link.spanId }] }),
    status: failed ? { code: STATUS_ERROR } : {},
    flags: FLAG_SAMPLED | FLAG_PLACE_KNOWN | (kind === SPAN_KIND.server && parentId !== '' ? FLAG_FROM_ELSEWHERE : 0),
  })
}

/** Nanoseconds do not fit into a number; microseconds do, and nothing here is measured more finely. */
export const nanos = (ms: number): string => `${Math.round(ms * 1_000)}000`
