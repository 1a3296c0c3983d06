/** The tables of proc(5) that say which control groups a process is in, and where they are mounted. */

/** Controller name → path of our group; version 2 has the empty name. */
export function parseOwnGroups(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>()
  for (const line of text.trim().split('\n')) {
    const [, controllers = '', ...path] = line.split(':')
    for (const controller of controllers.split(',')) groups.set(controller, path.join(':'))
  }
  return groups
}

/** Controller name → where it is mounted; version 2 has the empty name. */
export function parseMounts(text: string): ReadonlyMap<string, string> {
  const mounts = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const [type, , options = ''] = right.split(' ')
    const place = left.split(' ')[4] ?? ''
    if (type === 'cgroup2') mounts.set('', place)
    if (type === 'cgroup') for (const option of options.split(',')) mounts.set(option, place)
  }
  return mounts
}
