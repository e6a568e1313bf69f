import{g as t}from"./chunk-CIRYA6SR.js";function e(o){return t("h1",{children:"Status"})}export{e as StatusScreen};
