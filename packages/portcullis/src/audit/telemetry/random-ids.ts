/** Ids of traces and spans: random, as W3C Trace Context §3.2.2.3 wants them, drawn many at a time because a call needs several. */
import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4096
const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES
const NO_TRACE = '0'.repeat(32)

/** 32 hex digits, never all zero. */
export const newTraceId = (): string => draw(16)

/** 16 hex digits, never all zero. */
export const newSpanId = (): string => draw(8)

function draw(bytes: number): string {
  for (;;) {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const id = pool.toString('hex', used, used + bytes)
    used += bytes
    if (id !== NO_TRACE.slice(0, bytes * 2)) return id
  }
}
