import packageJson from '../package.json' with { type: 'json' };

/** The build's version: in dead letters, metrics and logs. */
export const VERSION: string = packageJson.version;
