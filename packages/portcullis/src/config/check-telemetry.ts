/** Looks for what `telemetry` refers to: the collector, authorities, certificates, keys, secrets, upstreams. */
import type { Environment } from './environment.ts'
import { attempt, type Finding, readable, secretProblem } from './finding.ts'
import type { Config } from './schema.ts'
import { readPrivateFile } from './secret-source.ts'
import { targetProblem } from './telemetry-target.ts'

export function checkTelemetry({ telemetry, upstreams }: Config, environment: Environment): readonly Finding[] {
  if (telemetry === undefined) return []
  const base = ['telemetry']
  const { ca, certificate, key, headers, traces } = telemetry
  const problem = targetProblem(telemetry, environment)
  const { arguments: args = [], results = [] } = traces?.content ?? {}
  return [
    ...(problem === undefined ? [] : [{ path: [...base, 'endpoint'], ...problem }]),
    ...(ca === undefined ? [] : readable(ca, [...base, 'ca'], 'file')),
    ...(certificate === undefined ? [] : readable(certificate, [...base, 'certificate'], 'file')),
    ...(key === undefined ? [] : attempt([...base, 'key'], () => readPrivateFile(key))),
    ...Object.entries(headers).flatMap(([header, source]) =>
      secretProblem(source, [...base, 'headers', header], environment),
    ),
    ...strangers(args, [...base, 'traces', 'content', 'arguments'], upstreams),
    ...strangers(results, [...base, 'traces', 'content', 'results'], upstreams),
  ]
}

function strangers(
  patterns: readonly string[],
  base: readonly PropertyKey[],
  upstreams: Config['upstreams'],
): readonly Finding[] {
  return patterns.flatMap((pattern, index): readonly Finding[] => {
    const upstream = pattern.slice(0, pattern.indexOf('/'))
    if (Object.hasOwn(upstreams, upstream)) return []
    return [{ path: [...base, index], wrong: `there is no upstream ${upstream}`, right: 'name one of upstreams' }]
  })
}
