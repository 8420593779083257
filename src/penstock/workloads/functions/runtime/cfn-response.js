// Answers CloudFormation for a custom resource: the module that code in a template may require.
// Source of the interface:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule.html
'use strict';

exports.SUCCESS = 'SUCCESS';
exports.FAILED = 'FAILED';

exports.send = function (event, context, responseStatus, responseData, physicalResourceId, noEcho) {
  return new Promise((resolve) => {
    const body = JSON.stringify({
      Status: responseStatus,
      Reason: 'See the details in CloudWatch Log Stream: ' + context.logStreamName,
      PhysicalResourceId: physicalResourceId || context.logStreamName,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      NoEcho: noEcho || false,
      Data: responseData,
    });
    const address = new URL(event.ResponseURL);
    const { request } = require(address.protocol === 'http:' ? 'http' : 'https');
    const headers = { 'content-type': '', 'content-length': Buffer.byteLength(body) };
    const end = (text) => {
      console.log(text);
      context.done();
      resolve();
    };
    const sent = request(address, { method: 'PUT', headers }, (answer) => {
      answer.resume();
      end('Status code: ' + answer.statusCode);
    });
    sent.on('error', (error) => end('The answer could not be sent: ' + error.message));
    sent.end(body);
  });
};
