/** Writes lines to a stream such as standard output, and waits for whoever reads it without waiting for anything else. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Parcel, Sink } from './sink.ts'

/** Resolves with how many bytes were taken; rejects with `EAGAIN` while the reader has no room. */
export type WriteSome = (bytes: Buffer, offset: number) => Promise<number>

const FULL_MS = 25

/** Lines are never left half: when the signal comes too late, the next delivery ends the line first. */
export function streamSink(write: WriteSome): Sink {
  let isTorn = false
  const writeAll = async (bytes: Buffer, signal: AbortSignal): Promise<void> => {
    for (let offset = 0; offset < bytes.length; ) {
      signal.throwIfAborted()
      const written = await writeOr(write, bytes, offset)
      offset += written
      isTorn = offset < bytes.length
      if (written === 0) await sleep(FULL_MS, undefined, { signal })
    }
  }
  return {
    async deliver({ items }: Parcel, signal) {
      const lines = items.flatMap(({ texts }) => texts).map((line) => `${line}\n`)
      await writeAll(Buffer.from(`${isTorn ? '\n' : ''}${lines.join('')}`), signal)
    },
    close: async () => {},
  }
}

async function writeOr(write: WriteSome, bytes: Buffer, offset: number): Promise<number> {
  try {
    return await write(bytes, offset)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw thrown
  }
}
