import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { CodeLimits } from '../../../src/upstream/code/snippet.ts'

/** Small enough that a test meets each of them. */
export const LIMITS: CodeLimits = {
  timeoutMs: 5_000,
  maxCodeBytes: 10_000,
  maxStdinBytes: 1_000,
  maxFiles: 4,
  maxFileBytes: 1_000,
  maxOutputBytes: 100,
  maxReturnedBytes: 1_000,
  maxRunning: 3,
  maxRunningOfScope: 2,
}

/** A folder that goes with the test. */
export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
