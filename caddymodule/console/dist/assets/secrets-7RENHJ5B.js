import{g as e}from"./chunk-CIRYA6SR.js";function o(t){return e("h1",{children:"Secrets"})}export{o as Secrets};
