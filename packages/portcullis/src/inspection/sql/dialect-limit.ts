/** Decides how many rows the outermost query may return, for the parser of many dialects. */
import type { Limit } from './statement-facts.ts'
import { isTree, listOf, type Tree } from './tree-walk.ts'

/** Of LIMIT, FETCH FIRST or TOP; `query` is the body of a `Query`. */
export function dialectLimit(query: Tree): Limit {
  const clause = isTree(query['limit_clause']) ? query['limit_clause'] : {}
  // So many of each group, which bounds nothing.
  if (isTree(clause['LimitOffset']) && listOf(clause['LimitOffset']['limit_by']).length > 0) return 'unclear'
  const limit = isTree(clause['LimitOffset']) ? clause['LimitOffset'] : clause['OffsetCommaLimit']
  if (isTree(limit) && limit['limit'] !== undefined && limit['limit'] !== null) return constant(limit['limit'])
  const body = isTree(query['body']) && isTree(query['body']['Select']) ? query['body']['Select'] : {}
  const bound = isTree(query['fetch']) ? query['fetch'] : body['top']
  if (!isTree(bound)) return 'none'
  if (bound['percent'] === true || bound['with_ties'] === true) return 'unclear'
  const quantity = isTree(bound['quantity']) ? bound['quantity'] : {}
  return typeof quantity['Constant'] === 'number' ? quantity['Constant'] : constant(quantity['Expr'] ?? quantity)
}

function constant(expression: unknown): Limit {
  const value = isTree(expression) && isTree(expression['Value']) ? expression['Value']['value'] : undefined
  const [digits] = isTree(value) ? listOf(value['Number']) : []
  return typeof digits === 'string' && /^\d{1,15}$/.test(digits) ? Number(digits) : 'unclear'
}
