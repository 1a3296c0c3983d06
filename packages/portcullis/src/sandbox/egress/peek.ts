/** Reads the first bytes of a connection until they say enough, and puts back what was not used. */
import type { Socket } from 'node:net'
import { Refused } from './refused.ts'

/** What was read, and how many bytes of the beginning are used up by it. */
export interface Found<T> {
  readonly value: T
  readonly used: number
}

export interface PeekLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/**
 * `read` is given all bytes so far and returns undefined for more. Throws what `read` throws, and Refused `protocol` when
 * `maxBytes` do not say enough, `timeout`, or `left` when the connection ends.
 */
export function peek<T>(socket: Socket, limits: PeekLimits, read: (bytes: Buffer) => Found<T> | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => settle(() => reject(new Refused('timeout'))), limits.timeoutMs)
    const settle = (outcome: () => void) => {
      clearTimeout(timer)
      socket.off('readable', onReadable).off('end', onEnd).off('close', onEnd)
      outcome()
    }
    const onEnd = () => settle(() => reject(new Refused('left')))
    const onReadable = () => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      try {
        const found = read(bytes)
        if (found !== undefined) settle(() => resolve(restore(socket, bytes, found)))
        else if (bytes.length >= limits.maxBytes) settle(() => reject(new Refused('protocol')))
      } catch (problem) {
        settle(() => reject(problem))
      }
    }
    socket.on('readable', onReadable).on('end', onEnd).on('close', onEnd)
    if (socket.destroyed) onEnd()
    else onReadable()
  })
}

function restore<T>(socket: Socket, bytes: Buffer, { value, used }: Found<T>): T {
  const rest = bytes.subarray(used)
  if (rest.length > 0) socket.unshift(rest)
  return value
}
