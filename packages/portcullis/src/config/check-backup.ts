/** Looks whether the role that copies PostgreSQL can be used: a store of that kind, a role of its own, and a password that is there. */
import type { Environment } from './environment.ts'
import { type Finding, readable, secretProblem } from './finding.ts'
import type { Config } from './schema.ts'

/** `config` has absolute paths. */
export function checkBackup({ backup: { postgres }, store }: Config, environment: Environment): readonly Finding[] {
  if (postgres === undefined) return []
  const base = ['backup', 'postgres']
  const { username, password, programs } = postgres
  return [
    ...(store.kind === 'postgres' ? [] : [NO_POSTGRES]),
    ...(store.kind === 'postgres' && username === store.username ? [NOT_APART] : []),
    ...(password === undefined ? [] : secretProblem(password, [...base, 'password'], environment)),
    ...(programs === undefined ? [] : readable(programs, [...base, 'programs'], 'folder')),
  ]
}

const NO_POSTGRES: Finding = {
  path: ['backup', 'postgres'],
  wrong: 'the store is not of the kind postgres, and is in each backup anyway',
  right: 'leave it out',
}

/** It reads the rows of all tenants, which the gateways must not. */
const NOT_APART: Finding = {
  path: ['backup', 'postgres', 'username'],
  wrong: 'this is the role of the gateways, which row-level security holds to one tenant at a time',
  right: 'name a role of its own, such as portcullis_backup',
}
