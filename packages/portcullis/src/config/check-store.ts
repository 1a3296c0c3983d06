/** Looks whether what `store` refers to is there. */
import type { Environment } from './environment.ts'
import { type Finding, readable, secretProblem } from './finding.ts'
import type { Config } from './schema.ts'

/** `config` has absolute paths. */
export function checkStore({ store }: Pick<Config, 'store'>, environment: Environment): readonly Finding[] {
  const { ca, socket, password } = store
  return [
    ...(ca === undefined ? [] : readable(ca, ['store', 'ca'], 'file')),
    ...(socket === undefined ? [] : readable(socket, ['store', 'socket'], 'folder')),
    ...(password === undefined ? [] : secretProblem(password, ['store', 'password'], environment)),
  ]
}
