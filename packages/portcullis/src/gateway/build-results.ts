/** The configuration of results to what looks at them: canaries are read, an outside classifier is spoken to. */
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import { readSecret } from '../config/secret-source.ts'
import type { Prover } from '../core/tls-agent.ts'
import type { Inspect } from '../inspection/finding.ts'
import { canaryInspect } from '../inspection/results/canaries.ts'
import { classifierInspect } from '../inspection/results/classifier.ts'
import { classifierClient } from '../inspection/results/classifier-client.ts'
import { resultInspectors, type ResultParts } from '../inspection/results/result-inspectors.ts'
import type { ResultSettings } from '../inspection/results/result-settings.ts'
import type { TextInspect } from '../inspection/results/result-text.ts'
import { trustedServer } from './trusted-server.ts'

export interface ResultInspection {
  readonly inspectorsOf: (settings: ResultSettings) => readonly TextInspect[]
  /** Looks at arguments too; absent when nothing is configured. */
  readonly canary?: Inspect
  /** A classifier is configured. */
  readonly asksOutside: boolean
  close(): Promise<void>
}

/** Throws SecretError for a canary or token that cannot be read. */
export function buildResults({ inspection }: Config, environment: Environment, prover: Prover): ResultInspection {
  const { canaries, classifier } = inspection.results
  const canary =
    canaries.length === 0
      ? undefined
      : canaryInspect(canaries.map((source) => readSecret(source, environment).reveal()))
  const client = classifier && classifierClient(clientOptions(classifier, environment, prover))
  const parts: ResultParts = {
    ...(canary && { canary }),
    ...(classifier && client && { classifier: classifierInspect(client.classify, classifier) }),
  }
  return {
    inspectorsOf: (settings) => resultInspectors(parts, settings),
    ...(canary && { canary }),
    asksOutside: client !== undefined,
    close: async () => client?.close(),
  }
}

type ClassifierConfig = NonNullable<Config['inspection']['results']['classifier']>

function clientOptions(classifier: ClassifierConfig, environment: Environment, prover: Prover) {
  const { url, timeoutMs, concurrency, token, ca } = classifier
  return {
    url,
    timeoutMs,
    concurrency,
    ...trustedServer(prover, 'inspection.results.classifier', ca),
    ...(token && { token: readSecret(token, environment) }),
  }
}
