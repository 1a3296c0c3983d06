/** From `upstreams.NAME.code` to an upstream that runs snippets, each in a sandbox that is on record like any other. */
import { tmpdir } from 'node:os'
import type { Logger } from '../audit/log.ts'
import type { Config, CodeConfig } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { DEFAULT_SEARCH_PATH } from '../core/search-path.ts'
import { CodeConnector } from '../upstream/code/code-connector.ts'
import { findInterpreters, type Interpreter, interpretersInside } from '../upstream/code/interpreters.ts'
import { type RunOnce, snippetSpec } from '../upstream/code/launch.ts'
import type { CodeLimits } from '../upstream/code/snippet.ts'
import type { Connector } from '../upstream/connector.ts'
import { type Walls, withAuthority } from './build-sandbox.ts'
import { type LaunchFacts, walls } from './launch-spec.ts'
import type { Processes } from './processes.ts'
import { PRODUCT } from './product.ts'

const KIB = 1_024
const MAX_FILES = 64
const MAX_STDIN_SHARE = 4

export interface CodeParts {
  readonly name: string
  readonly code: CodeConfig
  readonly walls: Walls
  readonly facts: LaunchFacts
  readonly limits: Config['limits']
  readonly clock: Clock
  readonly log: Logger
  readonly processes: Processes
}

/** Languages whose program is not on this host have no tool; that is logged. */
export function codeConnector(parts: CodeParts): Connector {
  const { name, code, facts, clock, log, processes } = parts
  const common = { ...walls(code.sandbox, facts, {}), env: {} }
  const runOnce: RunOnce = async (order) => {
    const spec = await withAuthority(snippetSpec(common, order), clock)
    return processes.run({ upstream: name, owner: order, walls: parts.walls, spec }, order.incident)
  }
  const interpreters = interpretersOf(code)
  for (const language of code.languages) {
    if (interpreters.some((one) => one.language === language)) continue
    log.warn('there is no program for a language on this host', { upstream: name, language })
  }
  return new CodeConnector({
    runOnce,
    interpreters,
    limits: codeLimits(code, parts.limits),
    scratch: tmpdir(),
    runAs: facts.runAs,
    gateway: PRODUCT,
    warn: (message, about) => log.warn(message, { upstream: name, ...about }),
  })
}

/** In a container the image decides what there is. */
function interpretersOf({ languages, sandbox }: CodeConfig): readonly Interpreter[] {
  if (sandbox.driver === 'container') return interpretersInside(languages)
  return findInterpreters(languages, DEFAULT_SEARCH_PATH)
}

/** What goes in and out has to fit into a message, and bytes take a third more room in JSON. */
function codeLimits({ timeoutSeconds, outputKiB }: CodeConfig, limits: Config['limits']): CodeLimits {
  const half = Math.floor(limits.maxBodyBytes / 2)
  return {
    timeoutMs: Math.min(timeoutSeconds, limits.callSeconds) * 1_000,
    maxCodeBytes: Math.min(half, 1_024 * KIB),
    maxStdinBytes: Math.floor(half / MAX_STDIN_SHARE),
    maxFiles: MAX_FILES,
    maxFileBytes: half,
    maxOutputBytes: outputKiB * KIB,
    maxReturnedBytes: half,
    maxRunning: limits.concurrency.total,
    maxRunningOfScope: limits.concurrency.perPrincipal,
  }
}
