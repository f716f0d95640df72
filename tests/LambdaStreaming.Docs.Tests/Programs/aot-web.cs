using System.Text.Json.Serialization;
using LambdaStreaming;
using LambdaStreaming.AspNetCore;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddLambdaStreamingClient();
builder.Services.AddProblemDetails();     // for Results.Problem
builder.Services.ConfigureHttpJsonOptions(options =>
    options.SerializerOptions.TypeInfoResolverChain.Insert(0, QuestionJson.Default));
var app = builder.Build();

app.MapLambdaStream("/chat", "my-function");
app.MapPost("/ask", (Question question) =>
{
    if (question.Text.Length > 2000) return Results.Problem("The question is too long.", statusCode: 400);
    var request = InvokeWithResponseStreamRequest.Create("my-function", question, QuestionJson.Default.Question);
    return LambdaResults.Stream(request);
});

app.Run();

internal sealed record Question(string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Question))]
internal sealed partial class QuestionJson : JsonSerializerContext;
