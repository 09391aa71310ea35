// Mounts Foxglove Studio with a recording opened. Settings and layouts live as long as the page.
"use strict";

const LAYOUT = "/foxglove_layout.json";
const RECORDING = "/recording.mcap";

class Settings {
  constructor(values) {
    this.values = new Map(Object.entries(values));
    this.listeners = new Map();
  }
  get(key) {
    return this.values.get(key);
  }
  async set(key, value) {
    this.values.set(key, value);
    for (const listener of this.listeners.get(key) ?? []) {
      listener(value);
    }
  }
  addChangeListener(key, listener) {
    this.listeners.set(key, (this.listeners.get(key) ?? new Set()).add(listener));
  }
  removeChangeListener(key, listener) {
    this.listeners.get(key)?.delete(listener);
  }
}

class Layouts {
  constructor() {
    this.kept = new Map();
  }
  async list() {
    return [...this.kept.values()];
  }
  async get(_namespace, id) {
    return this.kept.get(id);
  }
  async put(_namespace, layout) {
    this.kept.set(layout.id, layout);
    return layout;
  }
  async delete(_namespace, id) {
    this.kept.delete(id);
  }
  async importLayouts() {}
}

// A browser without a screen has no dialog to choose a file in: it chooses the layout.
window.showOpenFilePicker = async () => {
  const answer = await fetch(LAYOUT);
  const file = new File([await answer.blob()], LAYOUT.slice(1), { type: "application/json" });
  return [{ kind: "file", name: file.name, getFile: async () => file }];
};

async function start() {
  const studio = window; // the bundle puts what it exports there
  await studio.initI18n();
  const settings = new Settings({
    [studio.AppSetting.COLOR_SCHEME]: "dark",
    [studio.AppSetting.ENABLE_NEW_IMAGE_PANEL]: true,
    [studio.AppSetting.HIDE_SIGN_IN_PROMPT]: true,
    [studio.AppSetting.LAUNCH_PREFERENCE]: studio.LaunchPreferenceValue.WEB,
    [studio.AppSetting.MESSAGE_RATE]: 60,
    [studio.AppSetting.SHOW_OPEN_DIALOG_ON_STARTUP]: false,
    [studio.AppSetting.TIMEZONE]: "UTC",
  });
  const link = new URL(window.location.origin);
  link.searchParams.set("ds", "remote-file");
  link.searchParams.set("ds.url", new URL(RECORDING, window.location.origin).href);
  const app = React.createElement(studio.App, {
    appConfiguration: settings,
    dataSources: [new studio.RemoteDataSourceFactory()],
    deepLinks: [link.href],
    enableGlobalCss: true,
    extensionLoaders: [],
    layoutStorage: new Layouts(),
  });
  ReactDOM.render(app, document.getElementById("root"));
}

void start();
