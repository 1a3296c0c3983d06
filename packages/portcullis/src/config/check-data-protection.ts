/** Looks whether keepers of the key-encryption key can be asked: secrets and authorities that are there, and no keeper twice. */
import { dirname } from 'node:path'
import { authorityOf, secretsOf } from './anchor-data-protection.ts'
import type { Environment } from './environment.ts'
import { type Finding, readable, secretProblem } from './finding.ts'
import type { Config, KeyKeeperConfig } from './schema.ts'

/** `config` has absolute paths. */
export function checkDataProtection({ dataProtection, store }: Config, environment: Environment): readonly Finding[] {
  const { keyEncryption, previous, tenantKeys } = dataProtection
  const base = ['dataProtection']
  const all = [keyEncryption, ...previous]
  const told = all.map((keeper) => JSON.stringify({ ...keeper, deadlineSeconds: 0, attempts: 0 }))
  return [
    ...checkKeeper(keyEncryption, [...base, 'keyEncryption'], environment),
    ...previous.flatMap((keeper, index) => [
      ...checkKeeper(keeper, [...base, 'previous', index], environment),
      ...(told.indexOf(told[index + 1] as string) <= index
        ? [{ path: [...base, 'previous', index], wrong: 'this keeper is listed twice', right: 'keep one of them' }]
        : []),
    ]),
    ...(tenantKeys.copy === undefined
      ? []
      : readable(dirname(tenantKeys.copy), [...base, 'tenantKeys', 'copy'], 'folder')),
    ...(tenantKeys.copy !== undefined && store.kind === 'postgres' ? [ONE_NODE_ONLY] : []),
  ]
}

/** What another gateway has made would be missing in it, and what another has shredded would be in it for ever. */
const ONE_NODE_ONLY: Finding = {
  path: ['dataProtection', 'tenantKeys', 'copy'],
  wrong: 'a copy follows one gateway only, and tenant keys are in PostgreSQL for all of them',
  right: 'leave it out, and keep a dump of the schema portcullis_keys apart from that of portcullis',
}

type Path = readonly PropertyKey[]

function checkKeeper(keeper: KeyKeeperConfig, base: Path, environment: Environment): readonly Finding[] {
  const ca = authorityOf(keeper)
  const section = (['aws', 'gcp', 'azure', 'vault'] as const).find((name) => keeper[name] !== undefined) ?? ''
  const token = keeper.vault?.kubernetes?.tokenFile
  return [
    ...secretsOf(keeper).flatMap(({ path, source }) => secretProblem(source, [...base, ...path], environment)),
    ...(ca === undefined ? [] : readable(ca, [...base, section, 'ca'], 'file')),
    ...(token === undefined ? [] : readable(token, [...base, 'vault', 'kubernetes', 'tokenFile'], 'file')),
  ]
}
