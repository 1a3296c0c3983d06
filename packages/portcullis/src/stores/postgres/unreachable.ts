/** Decides what an operator is told of a PostgreSQL that cannot be used: where it is and why, never a password. */
import { StoreError } from '../store-error.ts'
import type { PostgresAddress } from './connection.ts'

/** Of what went wrong while a connection was made. What is said already stays as it is. */
export function unreachable({ url, socket }: Pick<PostgresAddress, 'url' | 'socket'>, thrown: unknown): unknown {
  if (thrown instanceof StoreError) return thrown
  const place = socket === undefined ? url.href : `${socket} (database ${url.pathname.slice(1)})`
  return new StoreError('unreachable', `PostgreSQL cannot be used at ${place}: ${reasonOf(thrown)}`, thrown)
}

/** A host with several addresses fails with one reason for each. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(reasonOf).join('; ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}
