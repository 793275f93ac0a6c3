//! The native dialect. The golden bytes come from Google's protobuf and `socktop.proto`, so any protobuf library can be
//! used to query the agent.

use std::fmt::Write;

use proptest::prelude::*;
use prost::Message;
use socktop_proto::dialect::native::{
    DecodedReply, DecodedRequest, GZIP_THRESHOLD, Payload, ReplyError, ReplyOptions, RequestError,
    decode_reply, decode_request, encode_body, encode_delta, encode_request, encode_request_for,
    reply_frame,
};
use socktop_proto::model::{Body, ErrorCode, Reply, Request, reply};
use socktop_proto::{Error, Fields, Query};

use socktop_testkit::hosts::small;
use socktop_testkit::strategies::{body, delta, query};

const LIMIT: usize = 1 << 20;

/// Two bytes as a varint, so that the id's encoding shows.
const ID: u64 = 300;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn requests_have_the_specified_bytes() {
    let golden = [
        (Query::Host, "08ac021200"),
        (Query::Metrics, "08ac021a00"),
        (Query::Disks, "08ac022200"),
        (Query::Processes, "08ac022a00"),
        (Query::Process { pid: 42 }, "08ac023202082a"),
        (Query::Journal { pid: 42 }, "08ac023a02082a"),
        (Query::Sensors, "08ac024a00"),
    ];
    for (query, bytes) in golden {
        assert_eq!(hex(&encode_request(ID, query)), bytes, "{query:?}");
    }
}

#[test]
fn delta_request_with_fields_has_the_specified_bytes() {
    let options = ReplyOptions {
        fields: Fields::PID | Fields::NAME | Fields::CPU,
        since: Some(ID),
    };
    let golden = [
        (Query::Metrics, "08ac021a0040ac02"),
        (Query::Processes, "08ac022a0308a20240ac02"),
    ];
    for (query, bytes) in golden {
        let frame = encode_request_for(ID, query, options);
        assert_eq!(hex(&frame), bytes, "{query:?}");
        let asked = decode_request(&frame).unwrap();
        assert_eq!((asked.query, asked.options.since), (query, options.since));
    }
    let asked = decode_request(&encode_request_for(ID, Query::Processes, options)).unwrap();
    assert_eq!(asked.options, options);
}

#[test]
fn replies_have_the_specified_bytes() {
    let golden = [
        (
            small::host(),
            "08ac02123512330a0270691206362e362e33311a1344656269616e20474e552f4c696e7578203132\
             2a076161726368363438044205302e312e30",
        ),
        (
            small::metrics(),
            "08ac0212721a700a0a08fbd095ffbc31108827120270691a180d000048411205150000c841120208\
             0118f4032500004142220c0880201080081880182080042a0408001000320f0d0000003f15000080\
             3e1d0000003e3a0c0a046574683010e80718d00f42110a056361726430150000f040186420c801",
        ),
        (
            small::disks(),
            "08ac021251224f0a0a08fbd095ffbc3110882712260a0e2f6465762f6d6d63626c6b30703212012f\
             1a046578743420e80728d80430de023801400012190a096e61733a2f706f6f6c12042f6d6e741a04\
             6e6673343802",
        ),
        (
            small::processes(),
            "08ac02124d2a4b0a0a08fbd095ffbc3110882712250801100018002204726f6f742a077379737465\
             6d64300238014500000000488020500a5809121108ac022a076772c3b6c39f654500004642180220e807",
        ),
        (
            small::details(),
            "08ac0212c40132c1010a0a08fbd095ffbc311088271220082a100118e80722036164612a02736830\
             0138024500002040486450a01f581418e8072202736822022d6322036361742a0d2f7573722f6269\
             6e2f6461736832092f686f6d652f61646138c80140324893c995ffbc3150b0ea0158a09c01608004\
             70037a10082a12027368180120a09c0128a09c017a0f082c1206776f726b6572180820904e82012a\
             1212082b102a18e8072a0363617430033801480a18e8072203636174381448ffcf95ffbc31500058\
             904e",
        ),
        (
            small::journal(),
            "08ac0212443a420a0a08fbd095ffbc311088271232088180f9c0c1c4820310041a116469736b2069\
             7320393020252066756c6c220a64662e73657276696365282a3202646638001801",
        ),
        (
            small::not_found(),
            "08ac0212130a110802120d6e6f2070726f63657373203432",
        ),
    ];
    for (body, bytes) in golden {
        assert_eq!(
            hex(&reply_frame(ID, &encode_body(&body, 0))),
            bytes,
            "{body:?}"
        );
    }
}

#[test]
fn deltas_have_the_specified_bytes() {
    let golden = [
        (
            small::metrics_delta(),
            "08ac02223408f40310011a2d08f40310d4611a04a8c30100250000244228ff3f308040420a0d0000\
             003f150000803e4a01015202b8175a01002807",
        ),
        (
            small::disks_delta(),
            "08ac02221908f403100122120a0200021205808001ff7f1a05ff7f8080012807",
        ),
        (
            small::processes_delta(),
            "08ac02223408f40310012a2d08d00f1202ac021a0808ad022a036e6577220200042a03dc0b003201\
             043a02ff3f4201044a01025201015a01032807",
        ),
    ];
    for (delta, bytes) in golden {
        let frame = reply_frame(ID, &encode_delta(delta.clone(), 7).unwrap());
        assert_eq!(hex(&frame), bytes, "{delta:?}");
    }
}

#[test]
fn request_of_a_later_version_keeps_its_id() {
    // Field 15, a kind that does not exist yet.
    let frame = [0x08, 0xac, 0x02, 0x7a, 0x00];
    assert!(matches!(
        decode_request(&frame),
        Err(RequestError::Unknown { id: ID })
    ));
    assert!(matches!(
        decode_request(&[]),
        Err(RequestError::Unknown { id: 0 })
    ));
    assert!(matches!(
        decode_request(&[0xff]),
        Err(RequestError::Malformed(_))
    ));
}

#[test]
fn unusable_replies_are_errors_with_a_reason() {
    assert!(matches!(
        decode_reply(&[0x08, 0x01], LIMIT),
        Err(ReplyError::Empty)
    ));
    assert!(matches!(
        decode_reply(&[0xff], LIMIT),
        Err(ReplyError::Malformed(_))
    ));
    let not_gzip = Reply {
        id: 1,
        payload: Some(reply::Payload::Gzip(b"plain".to_vec())),
        revision: 0,
    };
    assert!(matches!(
        decode_reply(&not_gzip.encode_to_vec(), LIMIT),
        Err(ReplyError::Gunzip(_))
    ));
}

/// A body that can be given any size.
fn body_of(message: String) -> Body {
    Error::new(ErrorCode::Unavailable, message).into()
}

fn is_packed(encoded: &[u8]) -> bool {
    let reply = Reply::decode(encoded).unwrap();
    matches!(reply.payload, Some(reply::Payload::Gzip(_)))
}

#[test]
fn bodies_are_packed_above_the_threshold() {
    let overhead = body_of(" ".repeat(GZIP_THRESHOLD / 2)).encoded_len() - GZIP_THRESHOLD / 2;
    let at = body_of(" ".repeat(GZIP_THRESHOLD - overhead));
    let above = body_of(" ".repeat(GZIP_THRESHOLD - overhead + 1));
    assert_eq!(at.encoded_len(), GZIP_THRESHOLD);
    assert!(!is_packed(&encode_body(&at, 0)));
    assert!(is_packed(&encode_body(&above, 0)));
}

#[test]
fn a_reply_that_unpacks_to_more_than_the_limit_is_refused() {
    let bomb = encode_body(&body_of(" ".repeat(1 << 20)), 0);
    assert!(bomb.len() < 1 << 14);
    assert!(matches!(
        decode_reply(&bomb, 1 << 16),
        Err(ReplyError::Gunzip(_))
    ));
    assert!(decode_reply(&bomb, 2 << 20).is_ok());
}

proptest! {
    #[test]
    fn requests_arrive_as_they_were_sent(id in any::<u64>(), query in query()) {
        let frame = encode_request(id, query);
        prop_assert_eq!(decode_request(&frame).unwrap(), DecodedRequest { id, query, options: ReplyOptions::default() });
        // Anyone else's protobuf reads it so, too.
        prop_assert_eq!(Request::decode(frame.as_slice()).unwrap().id, id);
    }

    #[test]
    fn replies_arrive_as_they_were_sent(id in any::<u64>(), revision in any::<u64>(), body in body()) {
        let frame = reply_frame(id, &encode_body(&body, revision));
        let payload = Payload::Whole(body);
        prop_assert_eq!(decode_reply(&frame, LIMIT).unwrap(), DecodedReply { id, revision, payload });
    }

    #[test]
    fn deltas_arrive_as_they_were_sent(id in any::<u64>(), revision in any::<u64>(), delta in delta()) {
        let frame = reply_frame(id, &encode_delta(delta.clone(), revision).unwrap());
        let payload = Payload::Delta(delta);
        prop_assert_eq!(decode_reply(&frame, LIMIT).unwrap(), DecodedReply { id, revision, payload });
    }
}
