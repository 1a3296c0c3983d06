/** How a command that runs without a gateway proves the servers that it asks. */
import type { Config } from '../config/schema.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { Terminal } from './terminal.ts'

/** Loads nothing before it is called. What is refused is told on the terminal. */
export const proverOf =
  (config: Config, terminal: Pick<Terminal, 'clock' | 'err'>): (() => Promise<Prover>) =>
  async () => {
    const { outboundProver } = await import('../gateway/build-validation.ts')
    return outboundProver(config, terminal.clock, { warn: (message) => terminal.err(message) })
  }
