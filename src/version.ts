/** The version of launchway: that of package.json (a test holds them together). A release sets both; before the first it is 0.0.0. */
export const version = '0.0.0'

/** As `launchway --version` says it. @param commit of the clone that it runs from, where it does */
export function versionLine(of: string, commit: string | undefined): string {
  const at = commit === undefined ? [] : [`commit ${commit.replace(/-dirty$/, ', with changes')}`]
  const more = [...(of === '0.0.0' ? ['not released'] : []), ...at]
  return more.length === 0 ? of : `${of} (${more.join(', ')})`
}
