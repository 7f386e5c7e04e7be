/** Drawn on a grid of 24, in lines; a new one is a row here. */
const paths = {
  overview: 'M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z',
  actions: 'M13 3 5 14h6l-1 7 8-11h-6z',
  pipelines: 'M6 5a2 2 0 1 0 0 .01M18 19a2 2 0 1 0 0 .01M8 5h7a3 3 0 0 1 0 7H9a3 3 0 0 0 0 7h7',
  hooks: 'M8 4v9a5 5 0 0 0 10 0v-2m0 0-3 3m3-3 3 3',
  applications: 'm12 3 8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9',
  servers: 'M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01',
  settings:
    'M4 7h9M19 7h1M4 17h1M11 17h9M16 7m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M8 17m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0',
  search: 'M11 11m-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0M16 16l5 5',
  check: 'm5 12 5 5L20 7',
  'check-circle': 'M12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0M8 12l3 3 5-6',
  cross: 'm6 6 12 12M18 6 6 18',
  'cross-circle': 'M12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0M9 9l6 6M15 9l-6 6',
  warning: 'M12 4 2.5 20h19zM12 10v4M12 17h.01',
  info: 'M12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0M12 11v5M12 8h.01',
  clock: 'M12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0M12 7v5l3 2',
  pause: 'M12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0M10 9v6M14 9v6',
  skip: 'M5 6l7 6-7 6zM13 6l6 6-6 6z',
  ban: 'M12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0M6 6l12 12',
  progress: 'M12 3a9 9 0 1 0 9 9',
  repeat: 'M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  play: 'm7 5 12 7-12 7z',
  plus: 'M12 5v14M5 12h14',
  pen: 'm4 20 1-4L16 5l3 3L8 19z',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13',
  download: 'M12 4v11M7 11l5 5 5-5M5 20h14',
  filter: 'M4 5h16l-6 8v6l-4-2v-4z',
  sort: 'M8 4v16l-4-4M16 20V4l4 4',
  link: 'M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1',
  external: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  commit: 'M12 12m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M3 12h6M15 12h6',
  incoming: 'M20 4 9 15M9 7v8h8M4 20h16',
  outgoing: 'M5 16 16 5M8 5h8v8M4 20h16',
  user: 'M12 8m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0M4 21a8 8 0 0 1 16 0',
  team: 'M9 8m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M3 20a6 6 0 0 1 12 0M16 5a3 3 0 0 1 0 6M18 14a6 6 0 0 1 3 6',
  key: 'M8 15m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0M11 12l8-8M16 7l3 3',
  shield: 'M12 3 5 6v5c0 5 3 8 7 10 4-2 7-5 7-10V6z',
  sun: 'M12 12m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5 19 19M5 19l1.5-1.5M17.5 6.5 19 5',
  moon: 'M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z',
  contrast: 'M12 12m-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0M12 3v18M12 8h6M12 12h9M12 16h7',
  'sign-out': 'M14 4H5v16h9M10 12h11M17 8l4 4-4 4',
  up: 'm6 15 6-6 6 6',
  down: 'm6 9 6 6 6-6',
  left: 'm15 6-6 6 6 6',
  right: 'm9 6 6 6-6 6',
  drag: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  dots: 'M5 12h.01M12 12h.01M19 12h.01',
  book: 'M5 4h14v16H7a2 2 0 0 1-2-2zM5 18a2 2 0 0 1 2-2h12',
  keyboard: 'M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8',
  rocket: 'M5 15c-2 1-2 5-2 5s4 0 5-2M9 15l-3-3c1-5 5-9 14-9 0 9-4 13-9 14zM15 9h.01',
  branch: 'M6 4v16M6 15a6 6 0 0 0 6-3c1-2 3-3 6-3M18 9m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0',
} as const;

export type IconName = keyof typeof paths;

/** Beside a text that says the same; alone it needs a name on its button. */
export function Icon({ name, size = 16, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      className={className}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={paths[name]} />
    </svg>
  );
}
