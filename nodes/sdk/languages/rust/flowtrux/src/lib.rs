//! The SDK for nodes of FlowTrux Edge in Rust: version 1 of their ABI, JSON in and out, without dependencies.
//!
//! A node is a function from its config to its output, and says what it is:
//!
//! ```ignore
//! use flowtrux::{Error, Json, Output};
//!
//! fn hello(config: Json) -> Result<Output, Error> {
//!     let name = config.get("name").string().ok_or_else(|| Error::fatal("bad_config", "name must be a string"))?;
//!     Ok(Output::new(format!("{{\"hello\":{}}}", flowtrux::quote(&name))))
//! }
//!
//! flowtrux::node!(r#"{"abi":1,"type":"hello","version":"1.0.0"}"#, hello);
//! ```
//!
//! Each call begins with the state that the module had when it was loaded: what a call leaves in statics is gone after it. Calls are
//! made one at a time. Any other crate for JSON works as well: the text of the config is `config.0`.

mod abi;
mod host;
mod json;

pub use abi::{export_alloc, export_run, list, text};
pub use host::{add_global, global, http, log, set_global, Level};
pub use json::{quote, Json};

/// What a node gives: one JSON value, and the handle to follow if the node has handles.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub json: String,
    pub handle: Option<String>,
}

impl Output {
    /// An output, JSON text.
    pub fn new(json: impl Into<String>) -> Output {
        Output { json: json.into(), handle: None }
    }

    /// An output of a node with handles.
    pub fn routed(handle: impl Into<String>, json: impl Into<String>) -> Output {
        Output { json: json.into(), handle: Some(handle.into()) }
    }
}

/// Why a node failed. The first line of the message can reach senders: no secrets in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    pub code: String,
    pub message: String,
    /// Another attempt cannot mend it: it is not retried.
    pub fatal: bool,
}

impl Error {
    /// An error that the node's retry applies to.
    pub fn fail(code: impl Into<String>, message: impl Into<String>) -> Error {
        Error { code: code.into(), message: message.into(), fatal: false }
    }

    /// An error that is not retried.
    pub fn fatal(code: impl Into<String>, message: impl Into<String>) -> Error {
        Error { code: code.into(), message: message.into(), fatal: true }
    }
}

/// Makes a function the module's node, of which there is one. The first argument is the manifest, a string literal.
#[macro_export]
macro_rules! node {
    ($manifest:expr, $run:path) => {
        #[no_mangle]
        pub extern "C" fn alloc(n: usize) -> *mut u8 {
            $crate::export_alloc(n)
        }

        /// # Safety
        /// The host gives a buffer that alloc has made.
        #[no_mangle]
        pub unsafe extern "C" fn run(ptr: *const u8, len: usize) -> u64 {
            $crate::export_run(ptr, len, $run)
        }

        #[no_mangle]
        pub extern "C" fn describe() -> u64 {
            $crate::text($manifest)
        }
    };
}

/// Makes functions the module's nodes, 32 at most, instead of node!. Each has a manifest with a type of its own, a string literal:
///
/// ```ignore
/// flowtrux::nodes! {
///     r#"{"abi":1,"type":"hello","version":"1.0.0"}"# => hello,
///     r#"{"abi":1,"type":"goodbye","version":"1.0.0"}"# => goodbye,
/// }
/// ```
#[macro_export]
macro_rules! nodes {
    ($($manifest:expr => $run:path),+ $(,)?) => {
        #[no_mangle]
        pub extern "C" fn alloc(n: usize) -> *mut u8 {
            $crate::export_alloc(n)
        }

        /// # Safety
        /// The host gives a type that describe has listed, and a buffer that alloc has made.
        #[no_mangle]
        pub unsafe extern "C" fn run_type(node: usize, ptr: *const u8, len: usize) -> u64 {
            const NODES: &[fn($crate::Json) -> Result<$crate::Output, $crate::Error>] = &[$($run),+];
            $crate::export_run(ptr, len, NODES[node])
        }

        #[no_mangle]
        pub extern "C" fn describe() -> u64 {
            $crate::list(&[$($manifest),+])
        }
    };
}
