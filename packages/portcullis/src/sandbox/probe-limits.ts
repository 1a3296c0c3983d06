import type { Limits } from './driver.ts'

/** Enough for a shell that does next to nothing, whichever driver is tried with it. */
export const PROBE_LIMITS: Limits = {
  memoryBytes: 64 << 20,
  processes: 16,
  openFiles: 64,
  fileBytes: 1 << 20,
  tmpBytes: 1 << 20,
  maxLineBytes: 4096,
  maxStderrBytes: 4096,
  stdinBacklogBytes: 4096,
  outputBytesPerSecond: 4096,
  lifeMs: 10_000,
}
