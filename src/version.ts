/** The version of launchway: that of package.json (a test holds them together). */
export const version = '0.0.0'
