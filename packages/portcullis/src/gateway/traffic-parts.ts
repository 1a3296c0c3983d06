/** What lists, limits and breakers are made of. */
import type { Logger } from '../audit/log.ts'
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { Stores } from '../stores/stores.ts'

export interface TrafficParts {
  readonly config: Config
  readonly stores: Pick<Stores, 'blocks' | 'shared'>
  readonly clock: Clock
  readonly log: Logger
  readonly environment: Environment
  readonly prover: Prover
}
