//! Redis: `spin:redis@3.0.0`, `fermyon:spin/redis@2.0.0`, and the one without a version, whose
//! functions take the address each time. All their functions come to commands.

use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, ComponentNamedList, ComponentType, Lift, Linker, LinkerInstance, Lower, Resource,
    ResourceType,
};

use crate::call::{self, Answer, Argument, CallError, CallErrorKind, FromValue, Operation};
use crate::state::GuestState;

const VERSION_3: &str = "spin:redis/redis@3.0.0";
const VERSION_2: &str = "fermyon:spin/redis@2.0.0";
const UNVERSIONED: &str = "fermyon:spin/redis";
pub const NAMES: [&str; 4] = [VERSION_3, VERSION_2, UNVERSIONED, "fermyon:spin/redis-types"];

type Context<'a> = StoreContextMut<'a, GuestState>;
type Guest = Accessor<GuestState>;

/// A connection that a guest has opened. The host knows it by number and address, and makes another
/// when it has gone with the request that it belonged to.
pub struct Connection {
    number: i64,
    address: String,
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "invalid-address")]
    InvalidAddress,
    #[component(name = "too-many-connections")]
    TooManyConnections,
    #[component(name = "type-error")]
    WrongType,
    #[component(name = "other")]
    Other(String),
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Error {
        match error.kind {
            CallErrorKind::Invalid => Error::InvalidAddress,
            CallErrorKind::Limit => Error::TooManyConnections,
            CallErrorKind::Conflict => Error::WrongType,
            _ => Error::Other(error.message),
        }
    }
}

/// The interface without a version has no more to say.
#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code)]
enum Failure {
    #[component(name = "success")]
    Success,
    #[component(name = "error")]
    Error,
}

impl From<CallError> for Failure {
    fn from(_: CallError) -> Failure {
        Failure::Error
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Parameter {
    #[component(name = "int64")]
    Int64(i64),
    #[component(name = "binary")]
    Binary(Vec<u8>),
}

impl<'a> From<&'a Parameter> for Argument<'a> {
    fn from(parameter: &'a Parameter) -> Argument<'a> {
        match parameter {
            Parameter::Int64(integer) => (*integer).into(),
            Parameter::Binary(bytes) => bytes.as_slice().into(),
        }
    }
}

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum Value {
    #[component(name = "nil")]
    Nil,
    #[component(name = "status")]
    Status(String),
    #[component(name = "int64")]
    Int64(i64),
    #[component(name = "binary")]
    Binary(Vec<u8>),
}

impl FromValue for Value {
    fn from_value(value: call::Value) -> Option<Value> {
        Some(match value {
            call::Value::None => Value::Nil,
            call::Value::Integer(integer) => Value::Int64(integer),
            call::Value::Text(text) => Value::Status(text),
            call::Value::Blob(blob) => Value::Binary(blob),
            call::Value::Boolean(_) | call::Value::Real(_) => return None,
        })
    }
}

/// What a function makes of the host's answer.
trait Reply: Sized {
    fn read(answer: Answer) -> Result<Self, CallError>;
}

macro_rules! reply_of_one_value {
    ($($type:ty),*) => {
        $(impl Reply for $type {
            fn read(mut answer: Answer) -> Result<Self, CallError> {
                answer.take()
            }
        })*
    };
}
reply_of_one_value!(i64, u32, Vec<u8>, Option<Vec<u8>>);

impl Reply for () {
    fn read(_: Answer) -> Result<(), CallError> {
        Ok(())
    }
}

impl Reply for Vec<Value> {
    fn read(mut answer: Answer) -> Result<Self, CallError> {
        let mut values = Vec::new();
        while !answer.is_empty() {
            values.push(answer.take()?);
        }
        Ok(values)
    }
}

impl Reply for Vec<String> {
    fn read(mut answer: Answer) -> Result<Self, CallError> {
        let mut members = Vec::new();
        while !answer.is_empty() {
            let member = String::from_utf8(answer.take()?).map_err(|_| CallError {
                kind: CallErrorKind::Conflict,
                message: "a member of the set is not UTF-8".to_owned(),
            })?;
            members.push(member);
        }
        Ok(members)
    }
}

/// What a function's first parameter says about where its command goes.
trait Target: ComponentType + Lift + Send + Sync + 'static {
    type Error: ComponentType + Lower + From<CallError> + Send + Sync + 'static;
    const PREFIX: &str;

    fn find<'a>(&'a self, state: &'a GuestState) -> Result<(i64, &'a str), CallError>;
}

impl Target for Resource<Connection> {
    type Error = Error;
    const PREFIX: &str = "[method]connection.";

    fn find<'a>(&'a self, state: &'a GuestState) -> Result<(i64, &'a str), CallError> {
        let closed = |_| CallError::other("the connection is closed");
        let connection = state.table.get(self).map_err(closed)?;
        Ok((connection.number, &connection.address))
    }
}

impl Target for String {
    type Error = Failure;
    const PREFIX: &str = "";

    fn find<'a>(&'a self, _: &'a GuestState) -> Result<(i64, &'a str), CallError> {
        Ok((0, self))
    }
}

/// Where a command goes, its name and its arguments, of a function's parameters.
type Request<P, T> = for<'a> fn(&'a P) -> (&'a T, &'a str, Vec<Argument<'a>>);

fn begin<P, T: Target>(
    state: &GuestState,
    parameters: &P,
    request: Request<P, T>,
) -> Result<impl Future<Output = Result<Answer, CallError>> + Send + use<P, T>, CallError> {
    let (target, command, rest) = request(parameters);
    let (number, address) = target.find(state)?;
    let mut arguments = vec![number.into(), address.into(), command.into()];
    arguments.extend(rest);
    Ok(state.call(Operation::RedisExecute, &arguments))
}

/// Defines functions that wait on the guest's fiber, or as tasks.
struct Interface<'a, 'b> {
    linker: &'a mut LinkerInstance<'b, GuestState>,
    concurrent: bool,
}

impl Interface<'_, '_> {
    fn add<P, T, R>(&mut self, name: &str, request: Request<P, T>) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Send + Sync + 'static,
        T: Target,
        R: Reply + ComponentType + Lower + Send + Sync + 'static,
    {
        let name = format!("{}{name}", T::PREFIX);
        let finish = |answer: Result<Answer, CallError>| -> (Result<R, T::Error>,) {
            (answer.and_then(R::read).map_err(T::Error::from),)
        };
        if self.concurrent {
            return self.linker.func_wrap_concurrent(&name, move |guest: &Guest, parameters: P| {
                Box::pin(async move {
                    let call =
                        guest.with(|mut access| begin(access.data_mut(), &parameters, request));
                    Ok(finish(match call {
                        Ok(call) => call.await,
                        Err(error) => Err(error),
                    }))
                })
            });
        }
        self.linker.func_wrap_async(&name, move |context: Context<'_>, parameters: P| {
            let call = begin(context.data(), &parameters, request);
            Box::new(async move {
                Ok(finish(match call {
                    Ok(call) => call.await,
                    Err(error) => Err(error),
                }))
            })
        })
    }

    /// All functions but `open`. `C` is how the interface counts, `V` what it gets.
    fn add_commands<T: Target, C, V>(&mut self) -> wasmtime::Result<()>
    where
        C: Reply + ComponentType + Lower + Send + Sync + 'static,
        V: Reply + ComponentType + Lower + Send + Sync + 'static,
    {
        self.add::<(T, String, Vec<u8>), T, ()>("publish", |(target, channel, payload)| {
            (target, "PUBLISH", vec![channel.as_str().into(), payload.as_slice().into()])
        })?;
        self.add::<(T, String), T, V>("get", |(target, key)| {
            (target, "GET", vec![key.as_str().into()])
        })?;
        self.add::<(T, String, Vec<u8>), T, ()>("set", |(target, key, value)| {
            (target, "SET", vec![key.as_str().into(), value.as_slice().into()])
        })?;
        self.add::<(T, String), T, i64>("incr", |(target, key)| {
            (target, "INCR", vec![key.as_str().into()])
        })?;
        self.add::<(T, Vec<String>), T, C>("del", |(target, keys)| {
            (target, "DEL", keys.iter().map(|key| key.as_str().into()).collect())
        })?;
        self.add::<(T, String, Vec<String>), T, C>("sadd", |(target, key, values)| {
            (target, "SADD", with_key(key, values))
        })?;
        self.add::<(T, String), T, Vec<String>>("smembers", |(target, key)| {
            (target, "SMEMBERS", vec![key.as_str().into()])
        })?;
        self.add::<(T, String, Vec<String>), T, C>("srem", |(target, key, values)| {
            (target, "SREM", with_key(key, values))
        })?;
        self.add::<(T, String, Vec<Parameter>), T, Vec<Value>>(
            "execute",
            |(target, command, parameters)| {
                (target, command, parameters.iter().map(Argument::from).collect())
            },
        )
    }
}

fn with_key<'a>(key: &'a str, values: &'a [String]) -> Vec<Argument<'a>> {
    std::iter::once(key).chain(values.iter().map(String::as_str)).map(Argument::from).collect()
}

fn opened(
    state: &mut GuestState,
    address: String,
    answer: Result<Answer, CallError>,
) -> Result<Resource<Connection>, Error> {
    let number = answer?.take()?;
    state.table.push(Connection { number, address }).map_err(|_| Error::TooManyConnections)
}

fn close(state: &mut GuestState, handle: u32) {
    if let Ok(connection) = state.table.delete(Resource::<Connection>::new_own(handle)) {
        let arguments = [connection.number.into(), connection.address.as_str().into()];
        // Nobody waits for the answer.
        drop(state.call(Operation::RedisClose, &arguments));
    }
}

fn add_resource(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    interface.resource("connection", ResourceType::host::<Connection>(), |mut context, handle| {
        close(context.data_mut(), handle);
        Ok(())
    })
}

fn add_version_2(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource(interface)?;
    interface.func_wrap_async(
        "[static]connection.open",
        |mut context: Context<'_>, (address,): (String,)| {
            Box::new(async move {
                let call = context.data().call(Operation::RedisOpen, &[address.as_str().into()]);
                let answer = call.await;
                Ok((opened(context.data_mut(), address, answer),))
            })
        },
    )?;
    Interface { linker: interface, concurrent: false }
        .add_commands::<Resource<Connection>, u32, Option<Vec<u8>>>()
}

fn add_version_3(interface: &mut LinkerInstance<'_, GuestState>) -> wasmtime::Result<()> {
    add_resource(interface)?;
    interface.func_wrap_concurrent(
        "[static]connection.open",
        |guest: &Guest, (address,): (String,)| {
            Box::pin(async move {
                let call = guest.with(|mut access| {
                    access.data_mut().call(Operation::RedisOpen, &[address.as_str().into()])
                });
                let answer = call.await;
                Ok((guest.with(|mut access| opened(access.data_mut(), address, answer)),))
            })
        },
    )?;
    Interface { linker: interface, concurrent: true }
        .add_commands::<Resource<Connection>, u32, Option<Vec<u8>>>()
}

pub fn add_to_linker(linker: &mut Linker<GuestState>, concurrent: bool) -> wasmtime::Result<()> {
    add_version_2(&mut linker.instance(VERSION_2)?)?;
    Interface { linker: &mut linker.instance(UNVERSIONED)?, concurrent: false }
        .add_commands::<String, i64, Vec<u8>>()?;
    if concurrent {
        add_version_3(&mut linker.instance(VERSION_3)?)?;
    }
    Ok(())
}
