//! The header that a token travels in, and what servers take of it.

use crate::model::settings::choices;
use crate::model::state::{Jwt, Sessions};

choices! {
    /// How much of a request's header a server takes, as it is delivered.
    #[derive(Copy, Eq)]
    pub enum HeaderLimits {
        /// As much as there is.
        Unlimited,
        /// A line of 8 KiB, 32 KiB in all; more is answered 400 (nginx, `large_client_header_buffers`).
        Nginx,
        /// 15 KiB in all: a buffer of 16 KiB, 1 KiB of it kept free; more is answered 400 (HAProxy, `tune.bufsize` and `tune.maxrewrite`).
        HAProxy,
        /// 16 KiB in all; more is answered 431 (Node.js, `--max-http-header-size`).
        NodeJs,
        /// A line of 16 KiB, 64 KiB in all; more is answered 400 (AWS Application Load Balancer, quotas).
        AwsAlb,
    }

    /// How clients send a token.
    #[derive(Copy, Eq)]
    pub enum Carried {
        /// As `Authorization: Bearer ...` (RFC 6750).
        Bearer,
        /// In one cookie. Browsers ignore one whose name and value have more than 4,096 bytes: nobody stays signed in.
        Cookie,
        /// In as many cookies of at most 4,096 bytes as it takes, which all stand in one line.
        Cookies,
    }
}

/// What a server takes, and what it answers to more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// As people call the server.
    pub server: &'static str,
    /// Bytes of a line, its end included.
    pub line: u64,
    /// Bytes of all lines.
    pub all: u64,
    /// The status of the answer.
    pub status: u16,
}

/// A request's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the line with the token, its end included.
    pub line: u64,
    /// Bytes of all lines, with the request line.
    pub all: u64,
}

/// Bytes of name and value of the largest cookie that browsers keep (RFC 6265, 6.1, the least; RFC 6265bis, the most).
pub const MAX_COOKIE: u64 = 4096;
/// Name of the cookie, with the sign behind it in the line; several have a dot and a digit more.
const COOKIE_NAME: u64 = "session".len() as u64;

impl HeaderLimits {
    /// What that is in bytes; `None` if there is none.
    pub fn limit(self) -> Option<Limit> {
        let limit = |server, line, all, status| Limit {
            server,
            line,
            all,
            status,
        };
        Some(match self {
            Self::Unlimited => return None,
            Self::Nginx => limit("nginx", 8192, 4 * 8192, 400),
            Self::HAProxy => limit("HAProxy", 16_384 - 1024, 16_384 - 1024, 400),
            Self::NodeJs => limit("Node.js", 16_384, 16_384, 431),
            Self::AwsAlb => limit("AWS ALB", 16_384, 65_536, 400),
        })
    }
}

impl Limit {
    /// Whether the server takes a header.
    pub fn takes(&self, header: Header) -> bool {
        header.line <= self.line && header.all <= self.all
    }
}

impl Jwt {
    /// The header of a request with a token: `Authorization: Bearer TOKEN`, or `Cookie: session=TOKEN; OTHERS`, and the rest.
    pub fn header(&self) -> Header {
        const END: u64 = "\r\n".len() as u64;
        let token = self.token_bytes();
        let cookies = "Cookie: ".len() as u64 + END;
        let others = match self.other_cookies.0 {
            0 => 0,
            bytes => bytes + "; ".len() as u64,
        };
        let alone = if others > 0 {
            cookies + self.other_cookies.0
        } else {
            0
        };
        let (line, beside) = match self.carried {
            Carried::Bearer => ("Authorization: Bearer ".len() as u64 + token + END, alone),
            Carried::Cookie => (cookies + COOKIE_NAME + 1 + token + others, 0),
            Carried::Cookies => {
                let pieces = token.div_ceil(MAX_COOKIE - COOKIE_NAME - 2);
                let names = pieces * (COOKIE_NAME + 3) + (pieces - 1) * 2;
                (cookies + names + token + others, 0)
            }
        };
        Header {
            line,
            all: line + beside + self.other_headers.0,
        }
    }

    /// Whether browsers ignore the cookie, so that nobody stays signed in.
    pub fn is_ignored_by_browsers(&self) -> bool {
        self.carried == Carried::Cookie && COOKIE_NAME + self.token_bytes() > MAX_COOKIE
    }
}

impl Sessions {
    /// The limit that a server has and that each request with a token is beyond, if it is.
    pub fn beyond(&self, limits: HeaderLimits) -> Option<(Limit, Header)> {
        let Self::Jwt(jwt) = self else {
            return None;
        };
        let (limit, header) = (limits.limit()?, jwt.header());
        (!limit.takes(header) && !jwt.is_ignored_by_browsers()).then_some((limit, header))
    }

    /// Whether credentials are sent in a cookie that browsers ignore.
    pub fn are_ignored_by_browsers(&self) -> bool {
        matches!(self, Self::Jwt(jwt) if jwt.is_ignored_by_browsers())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bytes;

    /// A token of so many bytes, as near as claims come to that, and how it is sent.
    fn token(bytes: u64, carried: Carried, other_cookies: u64) -> Jwt {
        let jwt = |claims| Jwt {
            claims: Bytes(claims),
            carried,
            other_cookies: Bytes(other_cookies),
            ..Jwt::default()
        };
        let claims = (2..).take_while(|&claims| jwt(claims).token_bytes() <= bytes);
        jwt(claims.last().unwrap_or(2))
    }

    fn refused(jwt: &Jwt, limits: HeaderLimits) -> bool {
        Sessions::Jwt(jwt.clone()).beyond(limits).is_some()
    }

    #[test]
    fn a_token_of_6_kib_is_refused_by_nginx_only_with_what_else_is_in_its_line() {
        let limit = HeaderLimits::Nginx;
        assert_eq!(token(6144, Carried::Bearer, 0).token_bytes(), 6144);
        assert!(!refused(&token(6144, Carried::Bearer, 0), limit));
        assert!(!refused(&token(6144, Carried::Cookies, 0), limit));
        // Other cookies are in a line of their own, or in the same.
        assert!(!refused(&token(6144, Carried::Bearer, 2048), limit));
        assert!(refused(&token(6144, Carried::Cookies, 2048), limit));
        // "Cookie: session.0=4087; session.1=2057; OTHERS": 8 + 10 + 4087 + 2 + 10 + 2057 + 2 + OTHERS + 2.
        assert!(!refused(&token(6144, Carried::Cookies, 2014), limit));
        assert!(refused(&token(6144, Carried::Cookies, 2015), limit));
    }

    #[test]
    fn each_server_takes_what_it_says() {
        use HeaderLimits::{AwsAlb, HAProxy, Nginx, NodeJs, Unlimited};
        // With 500 bytes of other lines.
        let least = |limits| {
            let bearer = |bytes: &u64| refused(&token(*bytes, Carried::Bearer, 0), limits);
            [6_000, 9_000, 15_500, 16_500].iter().position(bearer)
        };
        assert_eq!(
            [Unlimited, Nginx, HAProxy, NodeJs, AwsAlb].map(least),
            [None, Some(1), Some(2), Some(3), Some(3)]
        );
        let status = |limits: HeaderLimits| limits.limit().map(|limit| limit.status);
        assert_eq!(
            [Nginx, HAProxy, NodeJs, AwsAlb].map(status),
            [400, 400, 431, 400].map(Some)
        );
    }

    #[test]
    fn browsers_ignore_one_cookie_that_is_too_large_and_keep_several() {
        let ignored = |bytes, carried| token(bytes, carried, 0).is_ignored_by_browsers();
        assert!(!ignored(4089, Carried::Cookie) && ignored(4092, Carried::Cookie));
        assert!(!ignored(8000, Carried::Cookies) && !ignored(8000, Carried::Bearer));
    }
}
