import {
  createTheme,
  type CSSVariablesResolver,
  type MantineColorsTuple,
  type MantineThemeOverride,
} from '@mantine/core';

/*
 * One accent, petrol, and warm greys. Shade 7 carries white text, and shades 8 and 9 stand on light grounds, with at
 * least 4.5:1 (WCAG AA). The other colours are those of statuses.
 */
const petrol: MantineColorsTuple = [
  '#e8f6f7',
  '#d0eaec',
  '#a3d5d9',
  '#71bec5',
  '#46a9b2',
  '#2898a3',
  '#137f8b',
  '#0c6b76',
  '#085862',
  '#04444c',
];
const gray: MantineColorsTuple = [
  '#f8f8f6',
  '#f1f1ee',
  '#e6e5e1',
  '#d6d5d0',
  '#bdbbb5',
  '#98968f',
  '#66645e',
  '#4f4d48',
  '#35342f',
  '#201f1c',
];
const dark: MantineColorsTuple = [
  '#e4e5e3',
  '#cfd1ce',
  '#a9aca9',
  '#959997',
  '#4a4e4d',
  '#3a3e3e',
  '#2a2e2e',
  '#1d2020',
  '#171a1a',
  '#101212',
];
const green: MantineColorsTuple = [
  '#ebf8ee',
  '#d5f0db',
  '#aee0ba',
  '#86cf97',
  '#63bf78',
  '#46ae5e',
  '#2f9549',
  '#237a39',
  '#1b662e',
  '#145223',
];
const red: MantineColorsTuple = [
  '#fdf0ef',
  '#fbdfdd',
  '#f6bfbb',
  '#f19b95',
  '#ea7a72',
  '#e05c53',
  '#d0433a',
  '#b8322a',
  '#9c2720',
  '#7f1d17',
];
const yellow: MantineColorsTuple = [
  '#fdf6e3',
  '#f9eac2',
  '#f1d68b',
  '#e8c055',
  '#dcab2f',
  '#c29114',
  '#a57708',
  '#865f02',
  '#704f00',
  '#5a3f00',
];
const blue: MantineColorsTuple = [
  '#edf3fc',
  '#d9e5f8',
  '#b4ccf1',
  '#8db1e9',
  '#6a98e1',
  '#4d82d6',
  '#386cc2',
  '#2b5aa8',
  '#224a8c',
  '#1a3b71',
];

export const theme: MantineThemeOverride = createTheme({
  primaryColor: 'petrol',
  primaryShade: 7,
  colors: { petrol, gray, dark, green, red, yellow, orange: yellow, blue },
  white: '#ffffff',
  black: '#201f1c',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '600' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  // The crosses of Mantine have no name by themselves.
  components: {
    Modal: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
    // What takes the focus before the items is none of the things that a menu may hold.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Alert: { defaultProps: { closeButtonLabel: 'Close' } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
  },
});

const colours = ['petrol', 'gray', 'green', 'red', 'yellow', 'orange', 'blue'];

/** Mantine's own text on tinted ground, placeholders and faults are too pale for AA. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-6)',
    '--mantine-color-error': 'var(--mantine-color-red-7)',
    '--mantine-color-anchor': 'var(--mantine-color-petrol-7)',
    '--app-ground': 'var(--mantine-color-gray-0)',
    '--app-raised': '#ffffff',
    '--app-line': 'var(--mantine-color-gray-2)',
    ...textShades(8),
  },
  dark: {
    '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
    '--mantine-color-error': 'var(--mantine-color-red-3)',
    '--mantine-color-anchor': 'var(--mantine-color-petrol-3)',
    '--app-ground': 'var(--mantine-color-dark-8)',
    '--app-raised': 'var(--mantine-color-dark-7)',
    '--app-line': 'var(--mantine-color-dark-5)',
    ...textShades(2),
    ...darkGrounds,
  },
});

/** Mantine's tinted grounds can hardly be told from the dark around them. */
const darkGrounds = Object.fromEntries(
  colours.flatMap((colour) => {
    const shade = `var(--mantine-color-${colour}-${colour === 'gray' ? 5 : 6})`;
    const mixed = (percent: number) => `color-mix(in srgb, ${shade} ${percent}%, var(--app-raised))`;
    return [
      [`--mantine-color-${colour}-light`, mixed(24)],
      [`--mantine-color-${colour}-light-hover`, mixed(32)],
    ];
  }),
);

function textShades(shade: number): Record<string, string> {
  return Object.fromEntries(
    colours.flatMap((colour) =>
      ['light-color', 'outline', 'text'].map((use) => [
        `--mantine-color-${colour}-${use}`,
        `var(--mantine-color-${colour}-${shade})`,
      ]),
    ),
  );
}
